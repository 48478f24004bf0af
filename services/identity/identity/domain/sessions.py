"""Who may stay, with what, and for how long. Pure: chance, time and storage come from outside."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gtvision.errors import BadCredentials
from gtvision.tenancy import ROLE_SCOPES, Caller
from identity.domain.api_keys import ApiKey
from identity.domain.users import User

ACCESS_LIFETIME = timedelta(minutes=15)
REFRESH_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(days=30)
"""However often it is refreshed, a session ends after this and the password is asked again."""

SECRET_BYTES = 32
_REFRESH_PREFIX = "gtr_"


class SubjectKind(StrEnum):
    """What a session belongs to."""

    USER = "user"
    API_KEY = "api_key"


class TicketPurpose(StrEnum):
    """What a ticket opens."""

    LIVE = "live"
    WS = "ws"


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
