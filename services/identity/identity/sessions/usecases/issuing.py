"""Issuing sessions with their tokens, and revoking them. Whether a user may have one is decided before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chassis.db import UnitOfWork
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.events import SessionRevoked, UserRightsChanged
from gtvision.ids import new_id
from gtvision.time import Clock
from identity.keys.domain import ACCESS_LIFETIME, LINGERS, SECRET_BYTES, ApiKey, EndReason, RandomBytes, hash_secret
from identity.people.domain.users import User
from identity.sessions.domain import (
    DEVICE_MAX,
    ClientInfo,
    IssuedTokens,
    RefreshToken,
    Session,
    SubjectKind,
    caller_of,
    refresh_lifetime,
    refresh_token_text,
    session_lifetime,
)

if TYPE_CHECKING:
    from identity.gateways.redis import RedisRegistry
    from identity.gateways.signing import JoseTokens
    from identity.repository import RowsOf


class SessionIssuer:
    """Makes the rows and tokens of sessions, in the unit of work of the verb that calls it."""

    def __init__(self, rows: RowsOf, tokens: JoseTokens, clock: Clock, random_bytes: RandomBytes) -> None:
        self._rows, self._tokens, self._clock, self._random_bytes = rows, tokens, clock, random_bytes

    async def open(
        self, uow: UnitOfWork, user: User, client: ClientInfo, how: str = "password", lifetime: timedelta | None = None
    ) -> IssuedTokens:
        """Open a user's session, on record; it ends after `lifetime` where that is shorter than the client's.

        The user's row must be locked: a request that disables them at the same moment waits, and then finds this session.
        """
        now = self._clock.now()
        ends = now + min(lifetime or session_lifetime(client.client), session_lifetime(client.client))
        device = client.device[:DEVICE_MAX] if client.device else None
        made = Session(new_id(), user.tenant_id, user.id, SubjectKind.USER, now, ends)
        session = replace(made, client=client.client, device=device, address=client.address or None, last_used_at=now)
        await self._rows(uow).add_session(session)
        await self._rows(uow).note_login(user.id, now)
        details = {"how": how, "client": session.client}
        record(uow, Action.SESSION_OPENED, caller_of(user, session.id), AuditEntry("session", session.id, details=details))
        return await self.next(uow, user, session)

    async def reopen(self, uow: UnitOfWork, user: User, session: Session, how: str) -> IssuedTokens:
        """As `open`, for the client of a session that has just been ended."""
        return await self.open(uow, user, ClientInfo(session.address or "", session.client, session.device), how)

    async def issue_short(
        self, uow: UnitOfWork, subject: User | ApiKey, address: str | None = None, until: datetime | None = None
    ) -> IssuedTokens:
        """Open a session of one access token, which ends by `until` and has no refresh token. The caller puts it on record."""
        now = self._clock.now()
        kind = SubjectKind.USER if isinstance(subject, User) else SubjectKind.API_KEY
        ends = min(until or now + ACCESS_LIFETIME, now + ACCESS_LIFETIME)
        made = Session(new_id(), subject.tenant_id, subject.id, kind, now, ends)
        session = replace(made, address=address or None, last_used_at=now)
        await self._rows(uow).add_session(session)
        if isinstance(subject, User):
            await self._rows(uow).note_login(subject.id, now)
        return IssuedTokens(self._tokens.access_token(caller_of(subject, session.id), ends - now), subject, session, lasts=ends - now)

    async def next(self, uow: UnitOfWork, user: User, session: Session) -> IssuedTokens:
        """Returns the next access and refresh token of a session that is alive. Neither outlives it."""
        now, text = self._clock.now(), refresh_token_text(session.tenant_id, self._random_bytes(SECRET_BYTES))
        expires_at = min(now + refresh_lifetime(session.client), session.expires_at)
        await self._rows(uow).add_refresh_token(RefreshToken(hash_secret(text), session.id, session.tenant_id, expires_at))
        lasts = min(ACCESS_LIFETIME, session.expires_at - now)
        return IssuedTokens(self._tokens.access_token(caller_of(user, session.id), lasts), user, session, text, expires_at, lasts)


class SessionRevoker:
    """Ends sessions, in the unit of work of the verb that calls it."""

    def __init__(self, rows: RowsOf, registry: RedisRegistry, clock: Clock) -> None:
        self._rows, self._registry, self._clock = rows, registry, clock

    async def end(self, uow: UnitOfWork, session: Session, reason: EndReason) -> None:
        """Revoke the row and emit the event; at once after the commit the list that every service reads has it too."""
        until = self._clock.now() + ACCESS_LIFETIME
        await self._rows(uow).revoke_session(session.id, until, reason)
        uow.emit(SessionRevoked(session_id=session.id, until=until))
        uow.after_commit(lambda: self._registry.revoke(session.id, until))

    async def end_all(self, uow: UnitOfWork, user: User, reason: EndReason) -> int:
        """End every session of a user whose row is locked, and what was opened by those that have run out. Returns how many."""
        now = self._clock.now()
        sessions = await self._rows(uow).sessions_of(user.id, now - LINGERS)
        for session in sessions:
            await self.end(uow, session, reason)
        uow.emit(UserRightsChanged(user_id=user.id))
        return sum(session.is_alive(now) for session in sessions)
