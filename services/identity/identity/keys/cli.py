"""`gtv keys rotate|list`: the keys that tokens are signed with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from gtvision.time import isoformat

if TYPE_CHECKING:
    from identity.gateways.signing import RsaKeyMaker
    from identity.keys.usecases import SigningKeys


_AFTER_S, _LONGEST_S = 60, 86_400


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Ends the process where the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="gtv keys", description="The keys that tokens are signed with.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="every key, newest first, and what it does")
    rotate = verbs.add_parser("rotate", help="make the next key; the one before verifies until its last token has ended")
    rotate.add_argument(
        "--activate-after",
        type=_seconds,
        default=_AFTER_S,
        metavar="SECONDS",
        help=f"time for every service and Kong to learn of the key before it signs (default {_AFTER_S})",
    )
    return parser.parse_args(arguments)


def _seconds(text: str) -> int:
    if not text.isdigit() or int(text) > _LONGEST_S:
        raise argparse.ArgumentTypeError(f"a whole number of seconds, 0 to {_LONGEST_S}")
    return int(text)


async def run(asked: argparse.Namespace, keys: SigningKeys, maker: RsaKeyMaker) -> None:
    """Raises: Unavailable, TooManyKeys."""
    if asked.verb == "rotate":
        key = await keys.rotate(maker, timedelta(seconds=asked.activate_after))
        sys.stdout.write(f"{key.kid} is published and signs from {isoformat(key.activates_at)}.\n")
        return
    for key, state in await keys.list_keys():
        retires = isoformat(key.retires_at) if key.retires_at else "-"
        sys.stdout.write(f"{key.kid}  {state:<9}  signs from {isoformat(key.activates_at)}  retires {retires}\n")
