"""Sessions of viewers, beside the recordings: opened by a ticket, then known by a key."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.auth import RevocationList
from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, audit_event
from gtvision.audit import Action
from gtvision.errors import NotFound, SessionRevoked, Unavailable
from gtvision.time import Clock
from streaming import metrics
from streaming.playback.domain import (
    SESSION_LIFETIME,
    OutsideSession,
    PlaybackSession,
    SessionUnknown,
    TicketRefused,
    hash_of,
    new_secret,
)

if TYPE_CHECKING:
    from streaming.playback.repository import PostgresPlaybackSessions, PostgresTenants

_FRESH_S = 3.0
"""What was looked up is believed for so long. nginx believes our answer for five seconds: both together stay below ten."""
_MAX_KNOWN = 10_000
_LOOK_UPS_AT_ONCE = 8
"""Keys and tickets that are made up cost a look each: they may not take the database from the recorder, nor from those who watch."""
_LOOK_UP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class _Known:
    session: PlaybackSession | None
    until: float
    """Monotonic."""


class PlaybackSessions:
    """Who may see which recordings. Answers from memory, and looks again after a few seconds."""

    def __init__(
        self,
        uow: UowFactory,
        sessions: Callable[[UnitOfWork], PostgresPlaybackSessions],
        tenants: PostgresTenants,
        revocations: RevocationList,
        clock: Clock,
    ) -> None:
        self._uow, self._sessions, self._tenants = uow, sessions, tenants
        self._revocations, self._clock = revocations, clock
        self._known: OrderedDict[tuple[UUID, str], _Known] = OrderedDict()
        self._few, self._few_of_viewers = asyncio.Semaphore(_LOOK_UPS_AT_ONCE), asyncio.Semaphore(_LOOK_UPS_AT_ONCE)

    async def open(self, camera_id: UUID, ticket: str, address: str | None) -> tuple[PlaybackSession, str]:
        """Spends a ticket, puts the view on record, and returns the session with its key.

        Raises: TicketRefused, SessionRevoked, NotFound, Unavailable; the ticket is then as it was.
        """
        async with self._look_up(self._few):
            tenant_id = await self._tenants.of_camera(camera_id)
        if tenant_id is None:
            raise TicketRefused
        key, now = new_secret(), self._clock.now()
        async with self._look_up(self._few), self._uow(tenant_id) as uow:
            sessions = self._sessions(uow)
            session = await sessions.open(camera_id, (hash_of(ticket), hash_of(key)), address, now, now + SESSION_LIFETIME)
            if session is None:
                raise TicketRefused
            if self._revocations.is_revoked(session.login_id):
                raise SessionRevoked
            if not await self._may_be_seen(sessions, session):
                raise NotFound("There is no such camera.")
            entry = AuditEntry("camera", camera_id, camera_id, session.since, session.until)
            event = audit_event(Action.RECORDING_VIEWED, session.caller, entry)
            uow.emit(event.model_copy(update={"purpose": session.purpose}), camera_id=camera_id)
        metrics.playback_opened.inc()
        return session, key

    async def find(self, camera_id: UUID, key: str, address: str | None) -> PlaybackSession:
        """Returns the session of a key. Raises: SessionUnknown, SessionRevoked, OutsideSession (another client), Unavailable."""
        session = await self._session(camera_id, hash_of(key))
        if session is None or session.expires_at <= self._clock.now():
            raise SessionUnknown
        if self._revocations.is_revoked(session.login_id):
            raise SessionRevoked
        if session.address != address:
            raise OutsideSession
        return session

    async def _session(self, camera_id: UUID, key_hash: str) -> PlaybackSession | None:
        place = camera_id, key_hash
        known = self._known.get(place)
        if known is None or known.until < self._clock.monotonic():
            is_viewer = known is not None and known.session is not None
            session = await self._looked_up(camera_id, key_hash, self._few_of_viewers if is_viewer else self._few)
            known = self._known[place] = _Known(session, self._clock.monotonic() + _FRESH_S)
            self._known.move_to_end(place)
            if len(self._known) > _MAX_KNOWN:
                self._known.popitem(last=False)
        return known.session

    async def _looked_up(self, camera_id: UUID, key_hash: str, few: asyncio.Semaphore) -> PlaybackSession | None:
        async with self._look_up(few):
            tenant_id = await self._tenants.of_camera(camera_id)
        if tenant_id is None:
            return None
        async with self._look_up(few), self._uow(tenant_id) as uow:
            sessions = self._sessions(uow)
            session = await sessions.find(camera_id, key_hash)
            return session if session is not None and await self._may_be_seen(sessions, session) else None

    async def _may_be_seen(self, sessions: PostgresPlaybackSessions, session: PlaybackSession) -> bool:
        groups = await sessions.groups_of(session.camera_id)
        return groups is not None and session.caller.may_see(groups)

    @asynccontextmanager
    async def _look_up(self, few: asyncio.Semaphore) -> AsyncIterator[None]:
        """One look at the database, among few, that does not last. Raises: Unavailable."""
        try:
            async with asyncio.timeout(_LOOK_UP_TIMEOUT_S), few:
                yield
        except TimeoutError:
            raise Unavailable("The playback sessions cannot be looked up at the moment.") from None
