"""`gtv users ...`: people, from the machine itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from identity.people.usecases.credentials import Credentials
from identity.people.usecases.users import Users

if TYPE_CHECKING:
    from identity.second_factors.usecases import SecondFactors


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Ends the process where the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="gtv users", description="People of this installation.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    reset = verbs.add_parser("reset-password", help="give a user a new password, to be changed at the next login; ends all their sessions")
    reset.add_argument("email")
    factor = verbs.add_parser(
        "reset-second-factor",
        help="remove the authenticator app and the recovery codes of a user who lost both; ends all their sessions",
    )
    factor.add_argument("email")
    listing = verbs.add_parser("list", help="the people of a tenant")
    listing.add_argument("tenant", help="its name")
    return parser.parse_args(arguments)


async def run(asked: argparse.Namespace, credentials: Credentials, factors: SecondFactors, users: Users) -> None:
    """The new password goes to standard output and nowhere else, so that it can be piped.

    Raises: NotFound, NoPassword, NoSecondFactor.
    """
    if asked.verb == "reset-second-factor":
        ended = await factors.reset_of(asked.email)
        sys.stdout.write(
            f"The second factor and the recovery codes of {asked.email} are removed; sessions ended: {ended}.\n"
            "The password alone lets them in until they enable a second factor again. This is on record in the audit ledger.\n"
        )
        return
    if asked.verb == "reset-password":
        password = await credentials.reset_password_of(asked.email)
        sys.stderr.write(f"New password of {asked.email}, to be changed at the next login:\n")
        sys.stdout.write(f"{password}\n")
        return
    for user in await users.list_users_of(asked.tenant):
        marks = [mark for mark, is_set in (("disabled", user.is_disabled), ("must change password", user.must_change_password)) if is_set]
        sys.stdout.write("\t".join((user.email, str(user.role), user.name or "", ", ".join(marks))).rstrip() + "\n")
