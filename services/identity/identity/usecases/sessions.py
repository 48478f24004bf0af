"""Coming in, staying in, going out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from gtvision import errors
from gtvision.errors import BadCredentials, Invalid, MissingScope
from gtvision.events import SessionRevoked
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Scope
from gtvision.time import Clock
from identity import metrics
from identity.domain.api_keys import ApiKey
from identity.domain.sessions import (
    ACCESS_LIFETIME,
    REFRESH_LIFETIME,
    SECRET_BYTES,
    SESSION_LIFETIME,
    RefreshToken,
    Session,
    SubjectKind,
    TicketPurpose,
    caller,
    hash_secret,
    refresh_token_text,
    tenant_of_refresh_token,
)
from identity.domain.users import InvalidEmail, User, email_key
from identity.ports.sessions import Chance, Registry, Tokens
from identity.ports.store import Store, StoreOf
from identity.ports.users import Passwords, Throttle

_WS_SCOPES = (Scope.DETECTIONS_READ, Scope.ALERTS_READ, Scope.CAMERAS_READ)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a login, refresh or exchange gives. An exchange gives no refresh token: the key is the way back."""

    access_token: str
    user: User | ApiKey
    refresh_token: str | None = None


@dataclass(frozen=True, slots=True)
class Doors:
    """What stands at the entrance."""

    throttle: Throttle
    passwords: Passwords
    chance: Chance


class Sessions:
    """Logins, refreshes, exchanges, tickets and their end."""

    def __init__(self, uow: UowFactory, store: StoreOf, tokens: Tokens, registry: Registry, clock: Clock) -> None:
        self._uow, self._store, self._tokens, self._registry, self._clock = uow, store, tokens, registry, clock

    async def login(self, doors: Doors, email: str, password: str, address: str) -> Opened:
        """Open a session. Whether the account exists shows neither in the answer nor in how long it takes.

        Raises: BadCredentials, RateLimited, Unavailable.
        """
        try:
            account = email_key(email)
        except InvalidEmail:
            account = ""
        await doors.throttle.attempt(account, address)
        async with self._uow(None) as work:
            user = await self._store(work).find_login(account)
        right = await doors.passwords.verify(user.password_hash if user else None, password)
        if user is None or user.is_disabled or not right:
            metrics.LOGINS.labels("refused").inc()
            raise BadCredentials
        await doors.throttle.succeeded(account, address)
        async with self._uow(user.tenant_id) as work:
            store = self._store(work)
            user = await store.user(user.id, lock=True)  # whoever disables them now waits, and then finds this session
            if user is None or user.is_disabled:
                raise BadCredentials
            opened = await self._open(store, user, doors.chance)
        metrics.LOGINS.labels("opened").inc()
        return opened

    async def _open(self, store: Store, user: User, chance: Chance) -> Opened:
        session = self._session(user, SubjectKind.USER)
        await store.add_session(session)
        text = await self._next_refresh_token(store, session, chance)
        return Opened(self._tokens.access_token(caller(user, session.id)), user, text)

    def _session(self, subject: User | ApiKey, kind: SubjectKind) -> Session:
        now = self._clock.now()
        ends = now + (SESSION_LIFETIME if kind is SubjectKind.USER else ACCESS_LIFETIME)
        return Session(new_id(), subject.tenant_id, subject.id, kind, now, ends)

    async def _next_refresh_token(self, store: Store, session: Session, chance: Chance) -> str:
        text = refresh_token_text(session.tenant_id, chance(SECRET_BYTES))
        expires_at = min(self._clock.now() + REFRESH_LIFETIME, session.expires_at)
        await store.add_refresh_token(RefreshToken(hash_secret(text), session.id, session.tenant_id, expires_at))
        return text

    async def refresh(self, token_text: str, chance: Chance) -> Opened:
        """Trade a refresh token for the next one and a new access token. A token that was used before ends its whole session:
        either the thief or the owner has the other copy.

        Raises: BadCredentials, SessionRevoked, Unavailable.
        """
        tenant_id = tenant_of_refresh_token(token_text)
        async with self._uow(tenant_id) as work:
            opened = await self._rotate(work, token_text, chance)
        if opened is None:  # raised here, after the commit: a rollback would forget the revocation
            raise errors.SessionRevoked("The refresh token was used before; the session is ended.")
        return opened

    async def _rotate(self, work: UnitOfWork, token_text: str, chance: Chance) -> Opened | None:
        store, now = self._store(work), self._clock.now()
        token = await store.refresh_token(hash_secret(token_text))
        session = await store.session(token.session_id) if token else None
        if token is None or session is None or now >= token.expires_at or not session.is_alive(now):
            raise BadCredentials("The refresh token is not valid.")
        if token.used_at is not None:
            metrics.REFRESH_TOKENS_REUSED.inc()
            await self._revoke(work, session)
            return None
        user = await store.user(session.subject_id)
        if user is None or user.is_disabled:
            raise BadCredentials("The refresh token is not valid.")
        await store.use_refresh_token(token.token_hash, now)
        text = await self._next_refresh_token(store, session, chance)
        return Opened(self._tokens.access_token(caller(user, session.id)), user, text)

    async def exchange(self, throttle: Throttle, api_key: str, address: str) -> Opened:
        """Trade an API key for a short token (RFC 8693). Raises: BadCredentials, RateLimited, Unavailable."""
        account = f"key {hash_secret(api_key)}"
        await throttle.attempt(account, address)
        async with self._uow(None) as work:
            key = await self._store(work).find_api_key(hash_secret(api_key))
        if key is None or key.revoked_at is not None:
            raise BadCredentials("The API key is not valid.")
        await throttle.succeeded(account, address)
        session = self._session(key, SubjectKind.API_KEY)
        async with self._uow(key.tenant_id) as work:
            await self._store(work).add_session(session)
        return Opened(self._tokens.access_token(caller(key, session.id)), key)

    async def logout(self, who: Caller) -> None:
        """End the caller's session and every token of it. Idempotent."""
        async with self._uow(who.tenant_id) as work:
            session = await self._store(work).session(who.session_id)
            if session is not None and session.revoked_until is None:
                await self._revoke(work, session)

    async def _revoke(self, work: UnitOfWork, session: Session) -> None:
        await revoke(work, self._store(work), self._registry, session, self._clock.now())

    async def issue_ticket(self, who: Caller, purpose: TicketPurpose, camera_id: UUID | None) -> str:
        """A ticket for what cannot send a header; it carries no right that its purpose does not need.

        Which camera exists is for the redeeming service to know.

        Raises: MissingScope, Invalid, Unavailable.
        """
        if purpose is TicketPurpose.LIVE:
            who.require(Scope.LIVE_VIEW)
            if camera_id is None:
                raise Invalid("A ticket for live video names its camera.")
        elif camera_id is not None:
            raise Invalid("A ticket for the WebSocket names no camera.")
        elif not any(scope in who.scopes for scope in _WS_SCOPES):
            raise MissingScope(f"This needs the scope '{' or '.join(_WS_SCOPES)}'.")
        needed = {Scope.LIVE_VIEW} if purpose is TicketPurpose.LIVE else set(_WS_SCOPES)
        return self._tokens.ticket(replace(who, scopes=who.scopes & needed), str(purpose), camera_id)


async def revoke(work: UnitOfWork, store: Store, registry: Registry, session: Session, now: datetime) -> None:
    """End one session: its row, the event, and at once after the commit the list that every service reads."""
    until = now + ACCESS_LIFETIME
    await store.revoke_session(session.id, until)
    work.emit(SessionRevoked(session_id=session.id, until=until))
    work.after_commit(lambda: registry.revoke(session.id, until))
