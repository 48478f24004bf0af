"""Programs' way in."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gtvision.errors import Conflict, Forbidden, Invalid
from gtvision.tenancy import ROLE_SCOPES, Role, Scope

DEFAULT_LIFETIME, LONGEST_LIFETIME = timedelta(days=365), timedelta(days=730)
USED_AT_MOST_EVERY = timedelta(minutes=1)
"""How exact the time of the last use is: a program that asks a thousand times a minute costs one write."""
_PREFIX = "gtk_"
_HINT = len(_PREFIX) + 4

NEVER_FOR_A_KEY = frozenset(
    {
        *(Scope.USERS_WRITE, Scope.API_KEYS_READ, Scope.API_KEYS_WRITE, Scope.SETTINGS_WRITE),
        *(Scope.TENANTS_READ, Scope.TENANTS_WRITE, Scope.AUDIT_EXPORT),
    }
)
"""A key that leaked must not make people, other keys, or decisions of the city."""


class TooLongLived(Invalid):
    """A key ends in the future, and within two years."""

    code = "invalid_expiry"


class ApiKeyAlreadyMade(Conflict):
    """This request made a key before, whose text is not kept: revoke it, and make another."""

    code = "api_key_already_made"

    def __init__(self, key_id: UUID) -> None:
        super().__init__(f"This request made the key {key_id}, whose text is not kept: revoke it, and make another.")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's way in. Only the hash of the key is kept.

    `scopes` is None for the tools' own key, which has all that its role has, and `expires_at` too: it comes with the installation.
    """

    id: UUID
    tenant_id: UUID
    name: str
    role: Role
    key_hash: str
    created_at: datetime
    camera_groups: frozenset[UUID] | None = None
    revoked_at: datetime | None = None
    scopes: frozenset[str] | None = None
    hint: str | None = None
    """Its first letters, so that people tell their keys apart."""
    expires_at: datetime | None = None
    created_by: UUID | None = None
    last_used_at: datetime | None = None
    last_used_address: str | None = None

    @property
    def rights(self) -> frozenset[str]:
        """What a token of this key may do. What no key may have is taken out again, should the row say otherwise."""
        if self.scopes is None:
            return frozenset(map(str, ROLE_SCOPES[self.role]))
        return self.scopes - NEVER_FOR_A_KEY

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def key_text(chance: bytes) -> str:
    """What is shown once."""
    return _PREFIX + base64.urlsafe_b64encode(chance).rstrip(b"=").decode()


def hint_of(text: str) -> str:
    """What may be shown for ever."""
    return text[:_HINT]


def check_scopes(acting: frozenset[str], wanted: Iterable[Scope]) -> None:
    """A key can do nothing that whoever makes it cannot do, and some things never. Raises: Forbidden."""
    for scope in wanted:
        if scope in NEVER_FOR_A_KEY:
            raise Forbidden(f"No key can have the scope '{scope}'.")
        if scope not in acting:
            raise Forbidden(f"You cannot hand out the scope '{scope}', which you do not have.")


def check_key_groups(acting: frozenset[UUID] | None, wanted: frozenset[UUID] | None) -> None:
    """Whoever is limited to camera groups makes and revokes no key that sees more. Raises: Forbidden."""
    if acting is not None and (wanted is None or not wanted <= acting):
        raise Forbidden("The key's camera groups must be among your own.")


def expiry(now: datetime, wanted: datetime | None) -> datetime:
    """When a key ends. Raises: TooLongLived."""
    ends = wanted or now + DEFAULT_LIFETIME
    if not now < ends <= now + LONGEST_LIFETIME:
        raise TooLongLived
    return ends
