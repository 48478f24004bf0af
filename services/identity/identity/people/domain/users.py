"""Users of a tenant, and who may make and change whom."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from gtvision.errors import Conflict, Forbidden, Invalid
from gtvision.tenancy import ROLE_SCOPES, Caller, Role
from identity.keys.domain import check_groups
from identity.second_factors.domain import SecondFactor

EMAIL_MAX = 254
NAME_MAX = 200
NO_NUL = r"^[^\x00]*$"
"""PostgreSQL holds every character but this one."""
Email = Annotated[str, Field(min_length=3, max_length=EMAIL_MAX)]
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+\.[^@\s.\x00-\x1f\x7f]{2,}")


class InvalidEmail(Invalid):
    """This is no e-mail address."""

    code = "invalid_email"


class EmailTaken(Conflict):
    """There is a user with this e-mail address."""

    code = "email_taken"


class OwnAccount(Conflict):
    """Users cannot disable or reset their own account, or change their own rights."""

    code = "own_account"


class LastAdmin(Conflict):
    """The tenant must keep a user who can administer all of it."""

    code = "last_admin"


class NoPassword(Conflict):
    """This person signs in at an outside provider and has no password here."""

    code = "no_password"


class AccountDisabled(Forbidden):
    """The account is disabled."""

    code = "account_disabled"


NO_PASSWORD = "!"  # noqa: S105
"""Stands in place of a hash for users of outside providers: no password has this hash."""


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
    """They did not choose their password: until they do, their tokens carry no scope."""
    second_factor: SecondFactor | None = None
    last_login_at: datetime | None = None
    """None where they never logged in, or last did before an older release kept this."""

    @property
    def has_password(self) -> bool:
        """False where they sign in at an outside provider only."""
        return self.password_hash != NO_PASSWORD

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None

    @property
    def runs_the_tenant(self) -> bool:
        """Whether they can administer the whole tenant."""
        return not self.is_disabled and self.camera_groups is None and self.role in {Role.ADMIN, Role.PLATFORM_ADMIN}

    @property
    def asks_for_a_code(self) -> bool:
        """Whether a login needs a code beside the password."""
        return self.second_factor is not None and self.second_factor.confirmed_at is not None


@dataclass(frozen=True, slots=True)
class UserSearch:
    """Which users of the tenant are looked for. None: whatever it is."""

    text: str | None = None
    """A part of the e-mail address or the name, in any case."""
    role: Role | None = None
    disabled: bool | None = None


EVERYONE = UserSearch()


def email_key(email: str) -> str:
    """The form in which e-mail addresses are compared.

    Raises: InvalidEmail.
    """
    text = unicodedata.normalize("NFKC", email).strip().casefold()
    if len(text) > EMAIL_MAX or not _EMAIL.fullmatch(text):
        raise InvalidEmail
    return text


def check_role(acting: Role, wanted: Role) -> None:
    """Checks that only a platform administrator makes another one. Raises: Forbidden."""
    if wanted is Role.PLATFORM_ADMIN and acting is not Role.PLATFORM_ADMIN:
        raise Forbidden("Only a platform administrator makes or changes another one.")


def check_reach(caller: Caller, role: Role, camera_groups: frozenset[UUID] | None) -> None:
    """Checks that the caller has every right of this role and these groups: only then may they make or change such a user.

    Raises: Forbidden.
    """
    check_role(caller.role, role)
    if not ROLE_SCOPES[role] <= caller.scopes:
        raise Forbidden("The user may do more than you.")
    check_groups(caller.camera_groups, camera_groups)
