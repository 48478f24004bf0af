"""Stills: single pictures, decoded beside the recordings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.auth import RevocationList
from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, audit_event
from gtvision.audit import Action, Outcome
from gtvision.errors import Invalid, NotFound, SessionRevoked, Unauthenticated, Unavailable
from gtvision.time import Clock
from streaming import metrics
from streaming.playback.domain import NoRecording, TicketRefused, TicketUsed, why_refused
from streaming.snapshots.domain import Still, StillTicket, Wanted, is_fresh, recordings_before

if TYPE_CHECKING:
    from streaming.gateways.pyav_pictures import PyAvPictures
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.gateways.redis_still_tickets import RedisStillTickets
    from streaming.rights.repository import PostgresRights

_DATABASE_TIMEOUT_S = 5.0


class Stills:
    """Takes pictures out of recordings, for tickets."""

    def __init__(  # noqa: PLR0913 - what one picture needs
        self,
        uow: UowFactory,
        rights: Callable[[UnitOfWork], PostgresRights],
        tickets: RedisStillTickets,
        revocations: RevocationList,
        files: RecordingsFolder,
        pictures: PyAvPictures,
        *,
        clock: Clock,
    ) -> None:
        self._uow, self._rights, self._tickets, self._revocations = uow, rights, tickets, revocations
        self._files, self._pictures, self._clock = files, pictures, clock

    async def redeem(self, camera_id: UUID, ticket: str) -> Still:
        """Spends a ticket and returns its picture.

        A refusal of a ticket that was given out is on record once for each reason. One that is made up is nobody's: it is counted.

        Raises: TicketRefused, SessionRevoked, NotFound, NoRecording, Unavailable (also where too many wait).
        """
        allowed = await self._tickets.find(ticket)
        try:
            if allowed is None:
                raise TicketRefused
            try:
                await self._spend(allowed, camera_id, ticket)
            except (Unauthenticated, NotFound) as refused:
                await self._tell(allowed, ticket, why_refused(refused), camera_id)
                raise
        except (Unauthenticated, NotFound) as refused:
            metrics.tickets_refused.labels(why_refused(refused)).inc()
            raise
        with metrics.still_seconds.time():
            return await self._take(allowed)

    async def _spend(self, allowed: StillTicket, camera_id: UUID, ticket: str) -> None:
        allowed.check(camera_id, self._clock.now())
        if self._revocations.is_revoked(allowed.caller.session_id):
            raise SessionRevoked
        async with self._in_time(), self._uow(allowed.caller.tenant_id) as uow:
            await self._rights(uow).check(allowed.caller, camera_id)
        if not await self._tickets.is_first(ticket, "used"):
            raise TicketUsed

    async def _tell(self, allowed: StillTicket, ticket: str, reason: str, asked_for: UUID) -> None:
        """Puts a refusal on record, unless it is. Raises: Unavailable."""
        if not await self._tickets.is_first(ticket, f"told {reason}"):
            return
        details = {"reason": reason, "view": "snapshot"} | ({} if asked_for == allowed.camera_id else {"asked_for": asked_for})
        entry = AuditEntry("camera", allowed.camera_id, allowed.camera_id, allowed.at, allowed.at, details, Outcome.REFUSED)
        event = audit_event(Action.RECORDING_REFUSED, allowed.caller, entry).model_copy(update={"purpose": allowed.purpose})
        try:
            async with self._in_time(), self._uow(allowed.caller.tenant_id) as uow:
                uow.emit(event, camera_id=allowed.camera_id)
        except Unavailable:
            await self._tickets.forget(ticket, f"told {reason}")
            raise

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_DATABASE_TIMEOUT_S):
                yield
        except TimeoutError:
            raise Unavailable("The rights to a picture cannot be looked up at the moment.") from None

    async def _take(self, allowed: StillTicket) -> Still:
        """A file that has no key frame yet, or none so early, leaves it to the file before."""
        names = await self._files.names(allowed.camera_id)
        for number, (path, started_at) in enumerate(recordings_before(allowed.camera_id, names, allowed.at)):
            offset = None if allowed.at is None else allowed.at - started_at
            try:
                picture = await self._pictures.still(path, Wanted(offset, allowed.width, allowed.exact))
            except (Invalid, OSError):  # damaged, or deleted since it was listed
                continue
            is_known = allowed.is_recorded and number == 0
            if picture is not None and (is_known or is_fresh(started_at + picture.at, allowed.at or self._clock.now())):
                return Still(allowed.camera_id, started_at + picture.at, picture.jpeg)
        raise NoRecording(reason=None if allowed.at else "not_recorded_now")
