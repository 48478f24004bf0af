"""Who may enter, with what, and for how long. Pure: chance, time and storage come from outside."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gtvision.errors import BadCredentials, Conflict, Forbidden, Invalid
from gtvision.tenancy import ROLE_SCOPES, Caller, Role

ACCESS_LIFETIME = timedelta(minutes=15)
REFRESH_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(days=30)
"""However often it is refreshed, a session ends after this and the password is asked again."""

PASSWORD_MIN, PASSWORD_MAX = 12, 256
EMAIL_MAX = 254
SECRET_BYTES = 32
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+\.[^@\s.\x00-\x1f\x7f]{2,}")
_REFRESH_PREFIX = "gtr_"


class WeakPassword(Invalid):
    """The password is too easy to guess: at least 12 characters, at least 5 different ones, and not the e-mail address."""

    code = "weak_password"


class InvalidEmail(Invalid):
    """This is no e-mail address."""

    code = "invalid_email"


class EmailTaken(Conflict):
    """There is a user with this e-mail address."""

    code = "email_taken"


class OwnAccount(Conflict):
    """Nobody can disable their own account."""

    code = "own_account"


class SubjectKind(StrEnum):
    """What a session belongs to."""

    USER = "user"
    API_KEY = "api_key"


class TicketPurpose(StrEnum):
    """What a ticket opens."""

    LIVE = "live"
    WS = "ws"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A city hall."""

    id: UUID
    name: str
    revision: int
    created_at: datetime


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

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's way in. Only the hash of the key is kept."""

    id: UUID
    tenant_id: UUID
    name: str
    role: Role
    key_hash: str
    created_at: datetime
    camera_groups: frozenset[UUID] | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """What a login or an exchange opened; its id is the `sid` of every token and what a revocation names."""

    id: UUID
    tenant_id: UUID
    subject_id: UUID
    subject_kind: SubjectKind
    created_at: datetime
    expires_at: datetime
    revoked_until: datetime | None = None

    def is_alive(self, now: datetime) -> bool:
        return self.revoked_until is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link of a session's chain of refresh tokens; each is good for one use."""

    token_hash: str
    session_id: UUID
    tenant_id: UUID
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key. `private_sealed` opens with the vault only; `public_jwk` is published."""

    kid: str
    private_sealed: str
    public_jwk: dict[str, str]
    created_at: datetime


def caller(subject: User | ApiKey, session_id: UUID) -> Caller:
    """What a token of this user or key will say."""
    return Caller(
        tenant_id=subject.tenant_id,
        user_id=subject.id,
        role=subject.role,
        scopes=frozenset(str(scope) for scope in ROLE_SCOPES[subject.role]),
        session_id=session_id,
        camera_groups=subject.camera_groups,
    )


def email_key(email: str) -> str:
    """The form in which e-mail addresses are compared.

    Raises: InvalidEmail.
    """
    text = unicodedata.normalize("NFKC", email).strip().casefold()
    if len(text) > EMAIL_MAX or not _EMAIL.fullmatch(text):
        raise InvalidEmail
    return text


def check_password(password: str, email: str) -> None:
    """Raises: WeakPassword."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX or len(set(password)) < 5 or password.casefold() == email.strip().casefold():
        raise WeakPassword


def check_role(acting: Role, wanted: Role) -> None:
    """Nobody hands out more than they have. Raises: Forbidden."""
    if wanted is Role.PLATFORM_ADMIN and acting is not Role.PLATFORM_ADMIN:
        raise Forbidden("Only a platform administrator makes another one.")


def check_groups(acting: frozenset[UUID] | None, wanted: frozenset[UUID] | None) -> None:
    """Whoever is limited to camera groups makes nobody who sees more. Raises: Forbidden."""
    if acting is not None and (wanted is None or not wanted <= acting):
        raise Forbidden("The user's camera groups must be among your own.")


def hash_secret(secret: str) -> str:
    """For secrets with 256 bits of chance in them, which need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def refresh_token_text(tenant_id: UUID, chance: bytes) -> str:
    """Opaque to clients. It names its tenant, so that its row is found under that tenant's policy."""
    return _REFRESH_PREFIX + base64.urlsafe_b64encode(tenant_id.bytes + chance).rstrip(b"=").decode()


def tenant_of_refresh_token(text: str) -> UUID:
    """Raises: BadCredentials, where the text is no refresh token."""
    body = text.removeprefix(_REFRESH_PREFIX)
    try:
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    if not text.startswith(_REFRESH_PREFIX) or len(raw) != 16 + SECRET_BYTES:
        raise BadCredentials("The refresh token is not valid.")
    return UUID(bytes=raw[:16])
