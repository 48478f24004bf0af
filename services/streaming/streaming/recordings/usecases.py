"""Recordings, as callers see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.tenancy import Caller
from streaming.recordings.domain import Segment

if TYPE_CHECKING:
    from streaming.recordings.repository import PostgresSegments
    from streaming.streams.usecases import Streams

log = get_logger(__name__)

Segments = Callable[[UnitOfWork], "PostgresSegments"]


@dataclass(frozen=True, slots=True)
class RecordingQuery:
    """A range of one camera's recordings; `before` is where the last page ended."""

    camera_id: UUID
    since: datetime
    until: datetime
    before: tuple[datetime, UUID] | None
    limit: int


class Recordings:
    """The index of recordings, as callers see it."""

    def __init__(self, uow: UowFactory, segments: Segments, streams: Streams) -> None:
        self._uow, self._segments, self._streams = uow, segments, streams

    async def list(self, caller: Caller, query: RecordingQuery) -> list[Segment]:
        """Segments that overlap the range, newest first, of a removed camera too; on record, or not shown.

        Raises: NotFound, for a camera the caller may not see.
        """
        await self._streams.find_kept(caller, query.camera_id)
        async with self._uow(caller.tenant_id) as uow:
            found = await self._segments(uow).list_newest(query.camera_id, query.since, query.until, query.before, query.limit)
            entry = AuditEntry("camera", query.camera_id, query.camera_id, query.since, query.until, {"found": len(found)})
            record(uow, Action.RECORDINGS_LISTED, caller, entry)
        return found
