"""Sessions of viewers, beside the recordings: opened by a ticket, then known by a key."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.auth import RevocationList
from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, audit_event
from gtvision.audit import Action, Outcome
from gtvision.errors import GTVisionError, NotFound, SessionRevoked, Unauthenticated, Unavailable
from gtvision.time import Clock
from streaming import metrics
from streaming.playback.domain import (
    SESSION_LIFETIME,
    Offer,
    OutsideSession,
    PlaybackSession,
    SessionUnknown,
    TicketRefused,
    hash_of,
    new_secret,
    why_refused,
)

if TYPE_CHECKING:
    from streaming.playback.repository import PostgresPlaybackSessions, PostgresTenants
    from streaming.rights.repository import PostgresRights

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
        rights: Callable[[UnitOfWork], PostgresRights],
        tenants: PostgresTenants,
        revocations: RevocationList,
        clock: Clock,
    ) -> None:
        self._uow, self._sessions, self._rights, self._tenants = uow, sessions, rights, tenants
        self._revocations, self._clock = revocations, clock
        self._known: OrderedDict[tuple[UUID, str], _Known] = OrderedDict()
        self._few, self._few_of_viewers = asyncio.Semaphore(_LOOK_UPS_AT_ONCE), asyncio.Semaphore(_LOOK_UPS_AT_ONCE)

    async def open(self, camera_id: UUID, ticket: str, address: str | None) -> tuple[PlaybackSession, str]:
        """Spends a ticket, puts the view on record, and returns the session with its key.

        A refusal of a ticket that was given out is on record once for each reason. One that is made up is nobody's: it is counted.

        Raises: TicketRefused, SessionRevoked, NotFound, Unavailable; the ticket is then as it was.
        """
        ticket_hash, key = hash_of(ticket), new_secret()
        try:
            async with self._look_up(self._few):
                tenant_id = await self._tenants.of_ticket(ticket_hash)
            if tenant_id is None:
                raise TicketRefused
            async with self._look_up(self._few), self._uow(tenant_id) as uow:
                offer = await self._sessions(uow).offered(ticket_hash)
                if offer is None:
                    raise TicketRefused
                refused = await self._refusal(uow, offer, camera_id)
                if refused is None:
                    await self._open(uow, offer.session, key, address)
                else:
                    await self._tell(uow, offer, refused, camera_id)
            if refused is not None:  # here, after the commit: a rollback would forget the record
                raise refused
        except (Unauthenticated, NotFound) as refusal:
            metrics.tickets_refused.labels(why_refused(refusal)).inc()
            raise
        metrics.playback_opened.inc()
        return offer.session, key

    async def _refusal(self, uow: UnitOfWork, offer: Offer, camera_id: UUID) -> GTVisionError | None:
        """Returns why a ticket opens nothing for a camera; None where it does. Raises: Unavailable."""
        caller = offer.session.caller
        try:
            offer.check(camera_id, self._clock.now())
            if self._revocations.is_revoked(caller.session_id):
                await self._rights(uow).end(caller.session_id, self._clock.now())
                raise SessionRevoked
            await self._rights(uow).check(caller, camera_id)
        except (Unauthenticated, NotFound) as refused:
            return refused
        return None

    async def _open(self, uow: UnitOfWork, session: PlaybackSession, key: str, address: str | None) -> None:
        now = self._clock.now()
        await self._sessions(uow).open(session.session_id, hash_of(key), address, now, now + SESSION_LIFETIME)
        entry = AuditEntry("camera", session.camera_id, session.camera_id, session.since, session.until)
        _record(uow, Action.RECORDING_VIEWED, session, entry)

    async def _tell(self, uow: UnitOfWork, offer: Offer, refused: GTVisionError, asked_for: UUID) -> None:
        session, reason = offer.session, why_refused(refused)
        if reason in offer.told:
            return
        await self._sessions(uow).tell(session.session_id, reason)
        details = {"reason": reason} | ({} if asked_for == session.camera_id else {"asked_for": asked_for})
        entry = AuditEntry("camera", session.camera_id, session.camera_id, session.since, session.until, details, Outcome.REFUSED)
        _record(uow, Action.RECORDING_REFUSED, session, entry)

    async def find(self, camera_id: UUID, key: str, address: str | None) -> PlaybackSession:
        """Returns the session of a key. Raises: SessionUnknown, SessionRevoked, OutsideSession (another client), Unavailable."""
        key_hash = hash_of(key)
        session = await self._session(camera_id, key_hash)
        if session is None or session.expires_at <= self._clock.now():
            raise SessionUnknown
        if self._revocations.is_revoked(session.login_id):
            await self._end(session)
            self._known.pop((camera_id, key_hash), None)
            raise SessionRevoked
        if session.address != address:
            raise OutsideSession
        return session

    async def _end(self, session: PlaybackSession) -> None:
        """Notes that the login of a session was revoked: the list forgets that before the key expires, and the event that tells of it may
        come later still. The next look at the session finds none, so that it is noted once. Raises: Unavailable.
        """
        async with self._look_up(self._few_of_viewers), self._uow(session.tenant_id) as uow:
            await self._rights(uow).end(session.login_id, self._clock.now())

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
            session = await self._sessions(uow).find(camera_id, key_hash)
            if session is not None:
                with suppress(SessionRevoked, NotFound):
                    await self._rights(uow).check(session.caller, camera_id)
                    return session
        return None

    @asynccontextmanager
    async def _look_up(self, few: asyncio.Semaphore) -> AsyncIterator[None]:
        """One look at the database, among few, that does not last. Raises: Unavailable."""
        try:
            async with asyncio.timeout(_LOOK_UP_TIMEOUT_S), few:
                yield
        except TimeoutError:
            raise Unavailable("The playback sessions cannot be looked up at the moment.") from None


def _record(uow: UnitOfWork, action: Action, session: PlaybackSession, entry: AuditEntry) -> None:
    event = audit_event(action, session.caller, entry)
    uow.emit(event.model_copy(update={"purpose": session.purpose}), camera_id=session.camera_id)
