"""Sessions, their tokens, and how long they last. Pure: random bytes, time and storage come from outside."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gtvision.errors import BadCredentials, Forbidden, SessionRevoked
from gtvision.tenancy import ROLE_SCOPES, Caller
from identity.keys.domain import ACCESS_LIFETIME, SECRET_BYTES, ApiKey, EndReason
from identity.people.domain.users import User

REFRESH_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(days=30)
"""A session ends after this, however often it is refreshed."""

MOBILE_REFRESH_LIFETIME = timedelta(days=30)
MOBILE_SESSION_LIFETIME = timedelta(days=90)
"""A phone asks for the password four times a year, and may lie unused for a month."""

DEVICE_MAX = 300
_REFRESH_PREFIX = "gtr_"


class CsrfFailed(Forbidden):
    """This does not come from a page of ours: the header X-CSRF-Token is missing or wrong, or another site sent it."""

    code = "csrf_failed"


class SubjectKind(StrEnum):
    """What a session belongs to."""

    USER = "user"
    API_KEY = "api_key"


class Client(StrEnum):
    """What holds a session's tokens: it decides how long they last, and whether the refresh token is a cookie."""

    BROWSER = "browser"
    MOBILE = "mobile"
    API = "api"


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
    client: Client = Client.API
    device: str | None = None
    address: str | None = None
    last_used_at: datetime | None = None
    """Its last login or refresh; None where an older release opened it."""

    end_reason: str | None = None
    """Of one that was revoked; None where an older release did so."""

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
class ClientInfo:
    """Where a login comes from, and with what."""

    address: str
    client: Client = Client.API
    device: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What a login, refresh or exchange gives. An exchange gives no refresh token: the API key is exchanged again."""

    access_token: str
    user: User | ApiKey
    session: Session
    refresh_token: str | None = None
    refresh_expires_at: datetime | None = None
    lasts: timedelta = ACCESS_LIFETIME

    @property
    def expires_in_s(self) -> int:
        """How long the access token lasts."""
        return int(self.lasts.total_seconds())


def session_lifetime(client: Client) -> timedelta:
    """From the login on, however often it is refreshed."""
    return MOBILE_SESSION_LIFETIME if client is Client.MOBILE else SESSION_LIFETIME


def refresh_lifetime(client: Client) -> timedelta:
    """Without use."""
    return MOBILE_REFRESH_LIFETIME if client is Client.MOBILE else REFRESH_LIFETIME


def refused(session: Session | None, now: datetime) -> SessionRevoked:
    """Returns the refusal of a session that is not alive, with why."""
    reason = EndReason.ENDED
    if session is not None and session.revoked_until is None and now >= session.expires_at:
        reason = EndReason.EXPIRED
    elif session is not None and session.end_reason is not None:
        reason = EndReason(session.end_reason)
    return SessionRevoked(reason=reason)


def caller_of(subject: User | ApiKey, session_id: UUID) -> Caller:
    """Returns the caller that a token of this user or key names. A user who must change their password has no scope before."""
    return Caller(
        tenant_id=subject.tenant_id,
        user_id=subject.id,
        role=subject.role,
        scopes=_rights(subject),
        session_id=session_id,
        camera_groups=subject.camera_groups,
    )


def _rights(subject: User | ApiKey) -> frozenset[str]:
    if isinstance(subject, ApiKey):
        return subject.rights
    return frozenset() if subject.must_change_password else frozenset(map(str, ROLE_SCOPES[subject.role]))


def refresh_token_text(tenant_id: UUID, secret: bytes) -> str:
    """Opaque to clients. It names its tenant, so that its row is found under that tenant's policy."""
    return _REFRESH_PREFIX + base64.urlsafe_b64encode(tenant_id.bytes + secret).rstrip(b"=").decode()


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


def csrf_token(refresh_token: str) -> str:
    """Returns what a page of ours shows to prove itself; the cookie with the refresh token itself it cannot read."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"csrf:{refresh_token}".encode()).digest()).rstrip(b"=").decode()


def check_csrf(refresh_token: str, shown: str) -> None:
    """In constant time. Raises: CsrfFailed."""
    if not hmac.compare_digest(csrf_token(refresh_token).encode(), shown.encode()):
        raise CsrfFailed
