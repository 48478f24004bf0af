"""Store what was seen, and find it again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.live import LivePublisher
from chassis.storage import ObjectStore
from city.audit import AuditEntry, record
from gtvision import plate
from gtvision.audit import Action
from gtvision.errors import NotFound
from gtvision.events import DetectionMade, DetectionsStored, Event
from gtvision.geometry import Box
from gtvision.tenancy import Caller
from gtvision.time import Clock, isoformat
from ingest import metrics
from ingest.detections.domain import Detection, Period, Search, Window, detections_of, thumbnail_area
from ingest.grabbing.domain import CameraBook

if TYPE_CHECKING:
    from ingest.detections.repository import PostgresDetections

_REMEMBERED = 50_000
_CUT_AT_ONCE = 2
"""Each has a whole picture in memory, and a core."""
ANNOUNCED_AT_MOST = 500
"""Rows in one `detections.stored` (contracts.md)."""


class Shown:
    """Which detections a session was shown, as is on record. The latest are remembered, by this process only."""

    def __init__(self) -> None:
        self._shown: OrderedDict[tuple[UUID, UUID], None] = OrderedDict()

    def note(self, session_id: UUID, detections: Iterable[UUID]) -> None:
        for detection_id in detections:
            self._shown[session_id, detection_id] = None
            self._shown.move_to_end((session_id, detection_id))
        while len(self._shown) > _REMEMBERED:
            self._shown.popitem(last=False)

    def has(self, session_id: UUID, detection_id: UUID) -> bool:
        return (session_id, detection_id) in self._shown


@dataclass(frozen=True, slots=True)
class Detections:
    """The detections of all tenants, for as long as `retention` says."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresDetections]
    cameras: CameraBook
    live: LivePublisher
    objects: ObjectStore
    clock: Clock
    retention: timedelta
    thumbnail: Callable[[bytes, Box], bytes]
    """Part of a JPEG as a small JPEG."""
    oldest_kept_day: Callable[[], Awaitable[date]]
    days: set[date] = field(default_factory=set)
    """Days whose partitions are known to exist."""
    shown: Shown = field(default_factory=Shown)
    cutting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CUT_AT_ONCE))

    async def keep_partitions(self) -> None:
        """Makes the partitions from the oldest day kept to two days ahead, and drops those before `oldest_kept_day`. May be repeated.

        Raises: Unavailable."""
        days = Window.around(self.clock.now(), self.retention).days()
        self.days.clear()
        await self._open(days)
        kept = await self.oldest_kept_day()
        async with self.uow(None) as uow:
            await self.repository(uow).drop_days_before(min(days[0], kept))

    async def store_detections(self, events: Sequence[Event[DetectionMade]]) -> None:
        """Commits a batch, one transaction per tenant.

        Repeats are silent and need no inbox: ids derive from the frame. A row outside the window is refused by itself.
        """
        for tenant_id in dict.fromkeys(event.tenant_id for event in events):
            await self._store(tenant_id, [event for event in events if event.tenant_id == tenant_id])

    async def list_detections(self, caller: Caller, search: Search) -> list[Detection]:
        """Newest first, within the caller's camera groups. Every page goes on record: without its record none is shown.

        Raises: Unavailable.
        """
        self.cameras.check(caller, self.clock.monotonic())
        async with self.uow(caller.tenant_id) as uow:
            visible = self._within_groups(caller, search)
            found = [] if visible is None else await self.repository(uow).newest(visible)
            record(uow, Action.PLATE_SEARCHED if search.plate else Action.DETECTIONS_SEARCHED, caller, _searched(search, len(found)))
        self.shown.note(caller.session_id, [each.detection_id for each in found[: search.limit - 1]])
        return found

    async def count_plates(self, caller: Caller, search: Search) -> list[tuple[datetime, int]]:
        """Returns the hours of a time and how many plates were read in each, within the caller's camera groups.

        The last 24 hours, where the search names no time. Numbers that name no plate go on no record.
        Raises: Invalid, RangeTooLong, Unavailable.
        """
        self.cameras.check(caller, self.clock.monotonic())
        end = search.end or self.clock.now()
        period = Period(search.start or end - timedelta(days=1), end)
        visible = self._within_groups(caller, replace(search, start=period.start, end=period.end, plates_only=True))
        async with self.uow(caller.tenant_id) as uow:
            counts = {} if visible is None else await self.repository(uow).count_hours(visible)
        return [(hour, counts.get(hour, 0)) for hour in period.hours()]

    async def open_evidence(self, caller: Caller, detection_id: UUID, captured_at: datetime) -> bytes:
        """The picture that was read, byte for byte; on record before it is shown. Raises: NotFound, Unavailable."""
        found, picture = await self._picture(caller, detection_id, captured_at)
        async with self.uow(caller.tenant_id) as uow:  # of its own: the object store may take its time
            record(uow, Action.EVIDENCE_VIEWED, caller, _viewed(found))
        self.shown.note(caller.session_id, [detection_id])
        return picture

    async def open_thumbnail(self, caller: Caller, detection_id: UUID, captured_at: datetime) -> bytes:
        """A small picture of what was read.

        Where a search listed it, that one is on record with its filter, and a page of results would put 50 more there that say nothing
        else; nor is it on record again where the session has opened the whole picture. Any other has a record of its own before it is
        shown. Raises: NotFound, Unavailable.
        """
        found, picture = await self._picture(caller, detection_id, captured_at)
        async with self.cutting:
            small = await asyncio.to_thread(self.thumbnail, picture, thumbnail_area(found.seen))
        if not self.shown.has(caller.session_id, detection_id):
            async with self.uow(caller.tenant_id) as uow:
                record(uow, Action.EVIDENCE_VIEWED, caller, _viewed(found, thumbnail=True))
            self.shown.note(caller.session_id, [detection_id])
        return small

    async def _picture(self, caller: Caller, detection_id: UUID, captured_at: datetime) -> tuple[Detection, bytes]:
        self.cameras.check(caller, self.clock.monotonic())
        async with self.uow(caller.tenant_id) as uow:
            found = await self.repository(uow).find(detection_id, captured_at)
        if found is None or not self.cameras.may_see(caller, found.camera_id):
            raise NotFound("There is no such detection.")
        if found.evidence_key is None:
            raise NotFound("No picture was kept of this detection.")
        try:
            return found, await self.objects.get(found.evidence_key, found.evidence_sha256)
        except NotFound:
            raise NotFound("The picture of this detection is no longer kept.") from None

    async def _store(self, tenant_id: UUID, events: Sequence[Event[DetectionMade]]) -> None:
        now = self.clock.now()
        window = Window.around(now, self.retention)
        frames = {event.event_id: (event.data, detections_of(event.data)) for event in events if _admits(window, event.data)}
        rows = {row.detection_id: row for _, made in frames.values() for row in made}
        if not rows:
            return
        await self._open({row.captured_at.date() for row in rows.values()})
        async with self.uow(tenant_id) as uow:
            new = await self.repository(uow).add(list(rows.values()), now)
            announced = [rows[each].announced() for each in rows if each in new]
            for start in range(0, len(announced), ANNOUNCED_AT_MOST):
                uow.emit(DetectionsStored(detections=tuple(announced[start : start + ANNOUNCED_AT_MOST])))
            for frame, made in frames.values():
                fresh = [replace(row, stored_at=now) for row in made if row.detection_id in new]
                if fresh:
                    uow.after_commit(partial(self.live.publish, tenant_id, f"detections:{frame.camera_id}", _live_frame(frame, fresh)))
        metrics.STORED.inc(len(new))
        metrics.REPEATED.inc(len(rows) - len(new))
        for frame, _ in frames.values():
            metrics.DELAY.observe(max(0.0, (now - frame.captured_at).total_seconds()))

    async def _open(self, days: Iterable[date]) -> None:
        """Makes sure that these days can be stored in, whatever the clock did since the last upkeep. Raises: Unavailable."""
        missing = set(days) - self.days
        if missing:
            async with self.uow(None) as uow:
                await self.repository(uow).make_days(sorted(missing))
            self.days.update(missing)

    def _within_groups(self, caller: Caller, search: Search) -> Search | None:
        """Returns the search narrowed to what the caller may see; None where that is nothing."""
        if caller.camera_groups is None:
            return search
        visible = self.cameras.visible_to(caller)
        if search.camera_ids is not None:
            visible &= search.camera_ids
        return replace(search, camera_ids=visible) if visible else None


def _admits(window: Window, frame: DetectionMade) -> bool:
    refusal = window.refusal(frame.captured_at)
    if refusal is not None:
        metrics.REFUSED.labels(refusal.value).inc(len(frame.objects))
    return refusal is None


def _searched(search: Search, found: int) -> AuditEntry:
    cameras = sorted(search.camera_ids or ())
    details = {
        "cameras": " ".join(map(str, cameras)) if len(cameras) > 1 else None,
        "mode": search.plate.match if search.plate else None,
        "class": search.object_class,
        "min_confidence": search.min_confidence,
        "plates_only": search.plates_only or None,
        "before": isoformat(search.after[0]) if search.after else None,
        "found": min(found, search.limit - 1),  # one more is asked for than is shown
    }
    return AuditEntry(
        object_kind="plate" if search.plate else "detections",
        object_id=plate.normalise(search.plate.text) if search.plate else None,
        camera_id=cameras[0] if len(cameras) == 1 else None,
        range_from=search.start,
        range_to=search.end,
        details={name: value for name, value in details.items() if value is not None},
    )


def _viewed(row: Detection, *, thumbnail: bool = False) -> AuditEntry:
    details = ({"plate": row.seen.plate.text} if row.seen.plate else {}) | ({"picture": "thumbnail"} if thumbnail else {})
    return AuditEntry("detection", row.detection_id, row.camera_id, row.captured_at, row.captured_at, details or None)


def _live_frame(frame: DetectionMade, rows: Iterable[Detection]) -> dict[str, Any]:
    return {
        "camera_id": str(frame.camera_id),
        "captured_at": isoformat(frame.captured_at),
        "width_px": frame.width_px,
        "height_px": frame.height_px,
        "objects": [_live_object(row) for row in rows],
    }


def _live_object(row: Detection) -> dict[str, Any]:
    seen = row.seen
    return {
        "detection_id": str(row.detection_id),
        "camera_id": str(row.camera_id),
        "captured_at": isoformat(row.captured_at),
        "stored_at": isoformat(row.stored_at) if row.stored_at else None,
        "object_class": seen.object_class.value,
        "confidence": seen.confidence,
        "box": _corners(seen.box),
        "plate": seen.plate.text if seen.plate else None,
        "plate_confidence": seen.plate.confidence if seen.plate else None,
        "plate_alternates": [[each.text, each.confidence] for each in seen.plate_alternates],
        "plate_box": _corners(seen.plate_box) if seen.plate_box else None,
    }


def _corners(box: Box) -> list[float]:
    return [box.x1, box.y1, box.x2, box.y2]
