"""Snapshots, as callers of the API ask for them: who may have which picture, and on what record."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UowFactory
from chassis.origin import origin
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.tenancy import Caller, Scope
from gtvision.time import Clock
from streaming.playback.domain import TICKET_LIFETIME, NoRecording
from streaming.snapshots.domain import StillTicket
from streaming.timeline.domain import Timeline

if TYPE_CHECKING:
    from streaming.gateways.redis_still_tickets import RedisStillTickets

Find = Callable[[Caller, UUID], Awaitable[object]]
"""Raises NotFound for a camera that the caller may not see."""
Read = Callable[[Caller, UUID, datetime, datetime], Awaitable[Timeline]]
"""Returns what was recorded in a range, and why the rest was not. Raises NotFound, and Invalid for the future."""

_MOMENT = timedelta(milliseconds=100)
_NOT_KNOWN_YET = timedelta(seconds=15)
_SAME_VIEW_S = timedelta(minutes=2).total_seconds()
_MOST_VIEWS = 10_000


class Snapshots:
    """Gives tickets for pictures."""

    def __init__(self, uow: UowFactory, find: Find, read: Read, tickets: RedisStillTickets, clock: Clock) -> None:
        self._uow, self._find, self._read, self._tickets, self._clock = uow, find, read, tickets, clock
        self._views: OrderedDict[tuple[object, ...], float] = OrderedDict()
        """Until when each live view that is on record is the same, monotonic."""

    async def ticket(self, caller: Caller, camera_id: UUID, at: datetime | None, width: int | None, *, exact: bool) -> str:
        """Returns a ticket for the picture of a camera at an instant, or now; the view is on record before.

        Raises: MissingScope, NotFound (also for a camera that the caller may not see), NoRecording, Invalid, Unavailable.
        """
        is_recorded = False
        if at is None:
            await self._find(caller, camera_id)
            await self._record_live(caller, camera_id)
        else:
            caller.require(Scope.RECORDINGS_READ)
            is_recorded = await self._is_recorded(caller, camera_id, at)
            async with self._uow(caller.tenant_id) as uow:
                record(uow, Action.RECORDING_VIEWED, caller, AuditEntry("camera", camera_id, camera_id, at, at, {"view": "snapshot"}))
        allowed = StillTicket(
            *(camera_id, replace(caller, scopes=frozenset()), origin().purpose, self._clock.now() + TICKET_LIFETIME, at, width),
            exact=exact,
            is_recorded=is_recorded,
        )
        return await self._tickets.issue(allowed)

    async def _is_recorded(self, caller: Caller, camera_id: UUID, at: datetime) -> bool:
        """Whether it is known that there is a recording; of the last seconds only the file knows. Raises: NotFound, NoRecording."""
        timeline = await self._read(caller, camera_id, at, at + _MOMENT)
        if timeline.recorded and timeline.recorded[0].start <= at:
            return True
        if self._clock.now() - at > _NOT_KNOWN_YET:
            raise NoRecording(reason=timeline.gaps[0].cause.value if timeline.gaps else None)
        return False

    async def _record_live(self, caller: Caller, camera_id: UUID) -> None:
        """A page that asks again all the time is one view: a record each time would hide the others in the ledger."""
        where = origin()
        view, now = (caller.session_id, camera_id, where.purpose, where.address), self._clock.monotonic()
        if self._views.get(view, now) <= now:
            async with self._uow(caller.tenant_id) as uow:
                entry = AuditEntry("camera", camera_id, camera_id, details={"view": "snapshot"})
                record(uow, Action.LIVE_VIEWED, caller, entry)
            self._views[view] = now + _SAME_VIEW_S
            self._views.move_to_end(view)
            if len(self._views) > _MOST_VIEWS:
                self._views.popitem(last=False)
