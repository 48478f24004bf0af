"""Programs' API keys, and the keys that tokens are signed with. Pure: time and random bytes come from outside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr

from gtvision.errors import Conflict, Forbidden, Invalid
from gtvision.tenancy import ROLE_SCOPES, Role, Scope

RandomBytes = Callable[[int], bytes]
"""Returns as many unguessable bytes as asked for."""
SECRET_BYTES = 32


def encodable(secret: SecretStr) -> SecretStr:
    """JSON can spell half of a surrogate pair, which has no encoding and so no hash."""
    try:
        secret.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("is no valid Unicode") from None
    return secret


Secret = Annotated[SecretStr, Field(min_length=1, max_length=1_024), AfterValidator(encodable)]
"""What a request says as a password or token."""

GROUPS_MAX = 100
"""Every token and ticket names its camera groups, and has to fit into a header and an address."""
CameraGroups = Annotated[list[UUID] | None, Field(max_length=GROUPS_MAX)]

ACCESS_LIFETIME = timedelta(minutes=15)
"""Of an access token."""
LINGERS = timedelta(minutes=15)
"""Tickets and links that a session gave out outlast its own end by minutes: for so long it can be revoked."""


class EndReason(StrEnum):
    """Why a session is no longer good, for the person who had it."""

    LOGGED_OUT = "logged_out"
    """Its own user ended it, there or at another place."""
    ENDED = "ended"
    """An administrator ended it, or the API key that opened it."""
    DISABLED = "disabled"
    PASSWORD = "password"  # noqa: S105
    """The password was changed or reset."""
    SECOND_FACTOR = "second_factor"
    """An administrator removed the second factor."""
    RIGHTS = "rights"
    """The role or the camera groups changed."""
    REUSE = "reuse"
    """A refresh token was used twice: one of its two users has stolen it."""
    CITY_SUSPENDED = "city_suspended"
    EXPIRED = "expired"
    """By itself: it was not used for too long, or had its whole time."""


DEFAULT_LIFETIME, LONGEST_LIFETIME = timedelta(days=365), timedelta(days=730)
USED_AT_MOST_EVERY = timedelta(minutes=1)
"""The time of the last use is written at most this often."""
_PREFIX = "gtk_"
_HINT = len(_PREFIX) + 4

NEVER_FOR_A_KEY = frozenset(
    {
        *(Scope.USERS_WRITE, Scope.API_KEYS_READ, Scope.API_KEYS_WRITE, Scope.SETTINGS_WRITE),
        *(Scope.TENANTS_READ, Scope.TENANTS_WRITE, Scope.AUDIT_EXPORT),
    }
)
"""Scopes that no API key may have: a key that leaked must not make users, other keys or decisions of the city."""


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
    """An API key of a program. Only the hash of its text is kept.

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
    """Its first characters, so that people tell their keys apart."""
    expires_at: datetime | None = None
    created_by: UUID | None = None
    last_used_at: datetime | None = None
    last_used_address: str | None = None

    @property
    def rights(self) -> frozenset[str]:
        """The scopes of a token of this key, without those that no key may have, should the row say otherwise."""
        if self.scopes is None:
            return frozenset(map(str, ROLE_SCOPES[self.role]))
        return self.scopes - NEVER_FOR_A_KEY

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def hash_secret(secret: str) -> str:
    """Returns what is stored of a secret with 256 random bits, which needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def key_text(secret: bytes) -> str:
    """Returns the text of a key, which is shown once."""
    return _PREFIX + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def hint_of(text: str) -> str:
    """Returns the part of the text that is stored and shown in lists."""
    return text[:_HINT]


def check_scopes(acting: frozenset[str], wanted: Iterable[Scope]) -> None:
    """Checks that a key gets only scopes of the caller, and none that is forbidden for keys. Raises: Forbidden."""
    for scope in wanted:
        if scope in NEVER_FOR_A_KEY:
            raise Forbidden(f"No key can have the scope '{scope}'.")
        if scope not in acting:
            raise Forbidden(f"You cannot hand out the scope '{scope}', which you do not have.")


def check_groups(acting: frozenset[UUID] | None, wanted: frozenset[UUID] | None) -> None:
    """Checks that a caller who is limited to camera groups gives and takes only groups among these. Raises: Forbidden."""
    if acting is not None and (wanted is None or not wanted <= acting):
        raise Forbidden("The camera groups must be among your own.")


def expiry(now: datetime, wanted: datetime | None) -> datetime:
    """Returns when a key ends. Raises: TooLongLived."""
    ends = wanted or now + DEFAULT_LIFETIME
    if not now < ends <= now + LONGEST_LIFETIME:
        raise TooLongLived
    return ends


OVERLAP = ACCESS_LIFETIME + timedelta(minutes=5)
"""How long a key stays published after the next one has begun to sign: its last token has ended by then."""
MOST_PUBLISHED = 10
"""Every verifier and Kong keep all of them."""


class TooManyKeys(Conflict):
    """The keys of earlier rotations are still published; wait until the oldest has retired."""

    code = "too_many_keys"


class KeyState(StrEnum):
    """What a signing key does now."""

    WAITING = "waiting"
    """Published, and signs later."""
    SIGNING = "signing"
    VERIFYING = "verifying"
    """Signs no more, while its tokens are still valid."""
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key. `private_sealed` opens with the vault only, and goes when the key retires; `public_jwk` is published."""

    kid: str
    private_sealed: str | None
    public_jwk: dict[str, str]
    created_at: datetime
    activates_at: datetime
    retires_at: datetime | None = None

    def is_published(self, now: datetime) -> bool:
        return self.retires_at is None or now < self.retires_at


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """A signing key with its private half in clear."""

    kid: str
    private_pem: str
    activates_at: datetime


def signs(keys: Iterable[SigningKey], now: datetime) -> SigningKey | None:
    """Returns the key that signs: the newest that may sign already. `keys` are newest first.

    Where none may sign yet, because a clock went back, it is the oldest, which verifiers have known longest.
    """
    published = [key for key in keys if key.is_published(now)]
    return next((key for key in published if key.activates_at <= now), published[-1] if published else None)


def state_of(key: SigningKey, keys: Iterable[SigningKey], now: datetime) -> KeyState:
    """Returns what `key` does among all `keys`, which are newest first."""
    if not key.is_published(now):
        return KeyState.RETIRED
    signing = signs(keys, now)
    if signing is not None and signing.kid == key.kid:
        return KeyState.SIGNING
    return KeyState.WAITING if key.activates_at > now else KeyState.VERIFYING


def check_room(keys: Iterable[SigningKey], now: datetime) -> None:
    """Checks that one more key can be published. Raises: TooManyKeys."""
    if sum(key.is_published(now) for key in keys) >= MOST_PUBLISHED:
        raise TooManyKeys
