"""Store what was seen, and find it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision import plate
from gtvision.audit import Action
from gtvision.detection import DetectedObject
from gtvision.errors import NotFound
from gtvision.events import DetectionMade, DetectionsStored, Event, StoredDetection
from gtvision.geometry import Box
from gtvision.tenancy import Caller
from gtvision.time import Clock, isoformat
from ingest import metrics
from ingest.detections.domain import Detection, Sought, Window, detections_of
from ingest.detections.ports import DetectionRows, Evidence, LiveOut, Partitions
from ingest.grabbing.ports import CameraRows

ANNOUNCED_AT_MOST = 500
"""Rows in one `detections.stored` (contracts.md)."""


class Upkeep:
    """Days to store in."""

    def __init__(self, partitions: Partitions, clock: Clock, retention: timedelta) -> None:
        self._partitions = partitions
        self._clock = clock
        self._retention = retention
        self._there: set[date] = set()

    async def keep_partitions(self) -> None:
        """Make what is missing from the oldest day kept to two days ahead; drop what is older. May be repeated. Raises: Unavailable."""
        days = Window.around(self._clock.now(), self._retention).days()
        await self._partitions.make(days)
        self._there = set(days)
        await self._partitions.drop_before(days[0])

    async def open_days(self, days: Iterable[date]) -> None:
        """Make sure that these can be stored in, whatever the clock did since the last upkeep. Raises: Unavailable."""
        missing = set(days) - self._there
        if missing:
            await self._partitions.make(sorted(missing))
            self._there |= missing


@dataclass(frozen=True, slots=True)
class Store:
    """Where detections are kept: how rows are reached within a unit of work, and for how long they stay."""

    uow: UowFactory
    detections: Callable[[UnitOfWork], DetectionRows]
    cameras: Callable[[UnitOfWork], CameraRows]
    upkeep: Upkeep
    clock: Clock
    retention: timedelta


class Detections:
    """The verbs."""

    def __init__(self, store: Store, live: LiveOut, evidence: Evidence) -> None:
        self._store = store
        self._live = live
        self._evidence = evidence

    async def store_detections(self, events: Sequence[Event[DetectionMade]]) -> None:
        """Commit a batch, one transaction per tenant. Repeats are silent; a row outside the window is refused by itself."""
        for tenant_id in dict.fromkeys(event.tenant_id for event in events):
            await self._store_tenants(tenant_id, [event for event in events if event.tenant_id == tenant_id])

    async def _store_tenants(self, tenant_id: UUID, events: Sequence[Event[DetectionMade]]) -> None:
        now = self._store.clock.now()
        window = Window.around(now, self._store.retention)
        frames = {event.event_id: (event, detections_of(event.data)) for event in events if self._admits(window, event)}
        rows = {row.detection_id: row for _, made in frames.values() for row in made}
        if not rows:
            return
        await self._store.upkeep.open_days({row.captured_at.date() for row in rows.values()})
        async with self._store.uow(tenant_id) as work:
            new = await self._store.detections(work).add(list(rows.values()), now)
            for part in _parts([rows[each].announced() for each in rows if each in new]):
                work.emit(DetectionsStored(detections=part))
            for event, made in frames.values():
                fresh = [replace(row, stored_at=now) for row in made if row.detection_id in new]
                if fresh:
                    work.after_commit(_Announcement(self._live, tenant_id, event.data, fresh))
        metrics.STORED.inc(len(new))
        metrics.REPEATED.inc(len(rows) - len(new))
        for event, _ in frames.values():
            metrics.DELAY.observe(max(0.0, (now - event.data.captured_at).total_seconds()))

    def _admits(self, window: Window, event: Event[DetectionMade]) -> bool:
        refusal = window.refusal(event.data.captured_at)
        if refusal is not None:
            metrics.REFUSED.labels(refusal.value).inc(len(event.data.objects))
        return refusal is None

    async def list_detections(self, caller: Caller, sought: Sought) -> list[Detection]:
        """Newest first, within the caller's camera groups. Every page goes on record: without its record none is shown."""
        async with self._store.uow(caller.tenant_id) as work:
            visible = await self._within_groups(caller, work, sought)
            found = [] if visible is None else await self._store.detections(work).newest(visible)
            record(work, Action.PLATE_SEARCHED if sought.plate else Action.DETECTIONS_SEARCHED, caller, _search(sought, len(found)))
        return found

    async def open_evidence(self, caller: Caller, detection_id: UUID, captured_at: datetime) -> bytes:
        """The picture that was read, byte for byte; on record before it is shown. Raises: NotFound, Unavailable."""
        async with self._store.uow(caller.tenant_id) as work:
            found = await self._store.detections(work).find(detection_id, captured_at)
            if found is None or await self._within_groups(caller, work, Sought(limit=1, camera_ids=frozenset({found.camera_id}))) is None:
                raise NotFound("There is no such detection.")
        if found.evidence_key is None:
            raise NotFound("No picture was kept of this detection.")
        picture = await self._evidence.get(found.evidence_key, found.evidence_sha256)
        async with self._store.uow(caller.tenant_id) as work:  # of its own: the object store may take its time
            record(work, Action.EVIDENCE_VIEWED, caller, _look(found))
        return picture

    async def _within_groups(self, caller: Caller, work: UnitOfWork, sought: Sought) -> Sought | None:
        """Narrowed to what the caller may see; None where that is nothing."""
        if caller.camera_groups is None:
            return sought
        groups = await self._store.cameras(work).groups()
        visible = frozenset(camera_id for camera_id, its in groups.items() if caller.may_see(its))
        if sought.camera_ids is not None:
            visible &= sought.camera_ids
        return replace(sought, camera_ids=visible) if visible else None


def _search(sought: Sought, found: int) -> AuditEntry:
    only = next(iter(sought.camera_ids)) if sought.camera_ids and len(sought.camera_ids) == 1 else None
    details = {
        "mode": sought.plate.match if sought.plate else None,
        "class": sought.object_class,
        "min_confidence": sought.min_confidence,
        "before": isoformat(sought.after[0]) if sought.after else None,
        "found": min(found, sought.limit - 1),  # one more is asked for than is shown
    }
    return AuditEntry(
        object_kind="plate" if sought.plate else "detections",
        object_id=plate.normalise(sought.plate.text) if sought.plate else None,
        camera_id=only,
        range_from=sought.start,
        range_to=sought.end,
        details={name: value for name, value in details.items() if value is not None},
    )


def _look(seen: Detection) -> AuditEntry:
    read = {"plate": seen.seen.plate.text} if seen.seen.plate else None
    return AuditEntry("detection", seen.detection_id, seen.camera_id, seen.captured_at, seen.captured_at, read)


@dataclass(frozen=True, slots=True)
class _Announcement:
    """The live message of one frame, sent once its rows are certain."""

    live: LiveOut
    tenant_id: UUID
    frame: DetectionMade
    rows: Sequence[Detection]

    async def __call__(self) -> None:
        await self.live.publish(self.tenant_id, f"detections:{self.frame.camera_id}", _live_frame(self.frame, self.rows))


def _live_frame(frame: DetectionMade, rows: Iterable[Detection]) -> dict[str, Any]:
    return {
        "camera_id": str(frame.camera_id),
        "captured_at": isoformat(frame.captured_at),
        "width_px": frame.width_px,
        "height_px": frame.height_px,
        "objects": [_live_object(row) for row in rows],
    }


def _live_object(row: Detection) -> dict[str, Any]:
    seen: DetectedObject = row.seen
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
        "plate_box": _corners(seen.plate_box) if seen.plate_box else None,
    }


def _corners(box: Box) -> list[float]:
    return [box.x1, box.y1, box.x2, box.y2]


def _parts(items: Sequence[StoredDetection]) -> list[tuple[StoredDetection, ...]]:
    return [tuple(items[start : start + ANNOUNCED_AT_MOST]) for start in range(0, len(items), ANNOUNCED_AT_MOST)]
