"""People of a tenant: their names, and who may make and change whom."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gtvision.errors import Conflict, Forbidden, Invalid
from gtvision.tenancy import ROLE_SCOPES, Caller, Role
from identity.people.domain.second_factors import SecondFactor

EMAIL_MAX = 254
NAME_MAX = 200
GROUPS_MAX = 100
"""Every token and ticket names them, and has to fit into a header and an address."""
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+\.[^@\s.\x00-\x1f\x7f]{2,}")


class InvalidEmail(Invalid):
    """This is no e-mail address."""

    code = "invalid_email"


class EmailTaken(Conflict):
    """There is a user with this e-mail address."""

    code = "email_taken"


class OwnAccount(Conflict):
    """Nobody can disable or reset their own account, or change what they may do themselves."""

    code = "own_account"


class LastAdmin(Conflict):
    """Somebody must be left who can administer the tenant."""

    code = "last_admin"


class NoPassword(Conflict):
    """This person signs in at an outside provider and has no password here."""

    code = "no_password"


NO_PASSWORD = "!"  # noqa: S105
"""What stands where a password's hash would: nothing hashes to it, so nothing that is typed is right."""


@dataclass(frozen=True, slots=True)
class User:
    """A person of a tenant. `camera_groups` is None where they may see every camera."""

    id: UUID
    tenant_id: UUID
    email: str
    role: Role
    password_hash: str
    created_at: datetime
    camera_groups: frozenset[UUID] | None = None
    disabled_at: datetime | None = None
    name: str | None = None
    must_change_password: bool = False
    """They did not choose it: until they have, their tokens carry no scope."""
    second_factor: SecondFactor | None = None

    @property
    def has_password(self) -> bool:
        """Not for who signs in at an outside provider only."""
        return self.password_hash != NO_PASSWORD

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None

    @property
    def runs_the_tenant(self) -> bool:
        """Whether they can administer all of it, today."""
        return not self.is_disabled and self.camera_groups is None and self.role in {Role.ADMIN, Role.PLATFORM_ADMIN}

    @property
    def asks_for_a_code(self) -> bool:
        """Whether a password alone does not let them in."""
        return self.second_factor is not None and self.second_factor.confirmed_at is not None


def email_key(email: str) -> str:
    """The form in which e-mail addresses are compared.

    Raises: InvalidEmail.
    """
    text = unicodedata.normalize("NFKC", email).strip().casefold()
    if len(text) > EMAIL_MAX or not _EMAIL.fullmatch(text):
        raise InvalidEmail
    return text


def check_role(acting: Role, wanted: Role) -> None:
    """Nobody hands out more than they have. Raises: Forbidden."""
    if wanted is Role.PLATFORM_ADMIN and acting is not Role.PLATFORM_ADMIN:
        raise Forbidden("Only a platform administrator makes or changes another one.")


def check_groups(acting: frozenset[UUID] | None, wanted: frozenset[UUID] | None) -> None:
    """Whoever is limited to camera groups makes nobody who sees more. Raises: Forbidden."""
    if acting is not None and (wanted is None or not wanted <= acting):
        raise Forbidden("The user's camera groups must be among your own.")


def check_reach(who: Caller, role: Role, camera_groups: frozenset[UUID] | None) -> None:
    """Whether `who` has all that somebody of this role and these groups has: only then may they make or change them. Raises: Forbidden."""
    check_role(who.role, role)
    if not ROLE_SCOPES[role] <= who.scopes:
        raise Forbidden("The user may do more than you.")
    check_groups(who.camera_groups, camera_groups)
