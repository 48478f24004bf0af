"""Opening a session and keeping it going: rows and tokens. Who may is decided before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chassis.db import UnitOfWork
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.events import SessionRevoked
from gtvision.ids import new_id
from gtvision.time import Clock
from identity.keys.domain.api_keys import ApiKey
from identity.people.domain.users import User
from identity.ports.store import StoreOf
from identity.sessions.domain import (
    ACCESS_LIFETIME,
    DEVICE_MAX,
    SECRET_BYTES,
    Client,
    RefreshToken,
    Session,
    SubjectKind,
    caller,
    hash_secret,
    refresh_lifetime,
    refresh_token_text,
    session_lifetime,
)
from identity.sessions.ports import Chance, Registry, Tokens


@dataclass(frozen=True, slots=True)
class Guest:
    """Who knocks: from where, and with what."""

    address: str
    client: Client = Client.API
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a login, refresh or exchange gives. An exchange gives no refresh token: the key is the way back."""

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


class Opening:
    """Makes the rows and tokens of sessions, inside a transaction that somebody else opened."""

    def __init__(self, store: StoreOf, tokens: Tokens, clock: Clock, chance: Chance) -> None:
        self._store, self._tokens, self._clock, self._chance = store, tokens, clock, chance

    async def open(self, work: UnitOfWork, user: User, guest: Guest, how: str = "password", lifetime: timedelta | None = None) -> Opened:
        """A person's session, on record; it ends after `lifetime` where that is shorter than the client's.

        The user's row must be locked: whoever disables them now waits, and then finds this session.
        """
        now = self._clock.now()
        ends = now + min(lifetime or session_lifetime(guest.client), session_lifetime(guest.client))
        device = guest.device[:DEVICE_MAX] if guest.device else None
        made = Session(new_id(), user.tenant_id, user.id, SubjectKind.USER, now, ends)
        session = replace(made, client=guest.client, device=device, address=guest.address or None, last_used_at=now)
        await self._store(work).add_session(session)
        details = {"how": how, "client": session.client}
        record(work, Action.SESSION_OPENED, caller(user, session.id), AuditEntry("session", session.id, details=details))
        return await self.next(work, user, session)

    async def open_short(
        self, work: UnitOfWork, subject: User | ApiKey, address: str | None = None, until: datetime | None = None
    ) -> Opened:
        """A session of one access token, which ends by `until`: there is nothing to refresh it with. Not on record by itself."""
        now = self._clock.now()
        kind = SubjectKind.USER if isinstance(subject, User) else SubjectKind.API_KEY
        ends = min(until or now + ACCESS_LIFETIME, now + ACCESS_LIFETIME)
        made = Session(new_id(), subject.tenant_id, subject.id, kind, now, ends)
        session = replace(made, address=address or None, last_used_at=now)
        await self._store(work).add_session(session)
        return Opened(self._tokens.access_token(caller(subject, session.id), ends - now), subject, session, lasts=ends - now)

    async def next(self, work: UnitOfWork, user: User, session: Session) -> Opened:
        """The next access and refresh token of a session that lives. Neither outlives it: whoever ends what lives would miss it."""
        now, text = self._clock.now(), refresh_token_text(session.tenant_id, self._chance(SECRET_BYTES))
        expires_at = min(now + refresh_lifetime(session.client), session.expires_at)
        await self._store(work).add_refresh_token(RefreshToken(hash_secret(text), session.id, session.tenant_id, expires_at))
        lasts = min(ACCESS_LIFETIME, session.expires_at - now)
        return Opened(self._tokens.access_token(caller(user, session.id), lasts), user, session, text, expires_at, lasts)


class Ending:
    """Ends sessions, inside a transaction that somebody else opened."""

    def __init__(self, store: StoreOf, registry: Registry, clock: Clock) -> None:
        self._store, self._registry, self._clock = store, registry, clock

    async def end(self, work: UnitOfWork, session: Session) -> None:
        """Its row, the event, and at once after the commit the list that every service reads."""
        until = self._clock.now() + ACCESS_LIFETIME
        await self._store(work).revoke_session(session.id, until)
        work.emit(SessionRevoked(session_id=session.id, until=until))
        work.after_commit(lambda: self._registry.revoke(session.id, until))

    async def end_all(self, work: UnitOfWork, user: User) -> int:
        """Every session of a user whose row is locked. Returns how many."""
        living = await self._store(work).sessions_of(user.id, self._clock.now())
        for session in living:
            await self.end(work, session)
        return len(living)
