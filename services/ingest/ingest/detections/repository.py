"""PostgreSQL out. Statements are written by hand where they are hot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, RowMapping, Select, func, select, text, tuple_

from chassis.db import UnitOfWork
from gtvision import plate
from gtvision.detection import DetectedObject, PlateCandidate
from gtvision.geometry import Box
from ingest.detections.domain import Detection, PlateSearch, Search
from ingest.detections.tables import detections

Held = tuple[UUID | None, datetime, datetime]
"""A range whose rows stay: of one camera, or (None) of all."""

_ARRAYS = {
    "captured_at": "timestamptz",
    "detection_id": "uuid",
    "camera_id": "uuid",
    "arrived_at": "timestamptz",
    "object_class": "text",
    "confidence": "real",
    "box": "text",
    "plate": "text",
    "plate_key": "text",
    "plate_confusion_key": "text",
    "plate_confidence": "real",
    "plate_box": "text",
    "plate_alternates": "text",
    "evidence_key": "text",
    "evidence_sha256": "text",
    "provider": "text",
    "model": "text",
    "clock_skew_ms": "bigint",
}

_CASTS = {"box": "::real[]", "plate_box": "::real[]", "plate_alternates": "::jsonb"}
"""What unnest cannot carry travels as text: it would flatten an array of arrays."""

# COPY is refused under row-level security; unnest equals it at these sizes and knows ON CONFLICT.
_INSERT = text(
    (
        # Only our own column names are put in; every value is bound.
        f"INSERT INTO detections (tenant_id, stored_at, {', '.join(_ARRAYS)}) "  # noqa: S608
        f"SELECT ~tenant_id, ~stored_at, {', '.join(f'row.{name}{_CASTS.get(name, str())}' for name in _ARRAYS)} "
        f"FROM unnest({', '.join(f'CAST(~{name} AS {kind}[])' for name, kind in _ARRAYS.items())}) AS row ({', '.join(_ARRAYS)}) "
        "ON CONFLICT DO NOTHING RETURNING detection_id"
    )
    .replace("::", r"\:\:")
    .replace("~", ":")
)


_DELETE = text(
    """
    DELETE FROM detections WHERE tenant_id = :tenant_id AND captured_at < :before AND (captured_at, detection_id) IN (
        SELECT d.captured_at, d.detection_id FROM detections d
        WHERE d.tenant_id = :tenant_id AND d.captured_at < :before AND (d.plate IS NOT NULL) = :with_plate AND NOT EXISTS (
            SELECT 1 FROM unnest(CAST(:cameras AS uuid[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
                AS held (camera_id, since, until)
            WHERE (held.camera_id IS NULL OR held.camera_id = d.camera_id) AND d.captured_at BETWEEN held.since AND held.until)
        LIMIT :most)
    RETURNING 1
    """
)


class PostgresDetections:
    """The detections of one tenant, and the days that all are stored in, in one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def add(self, detections: Sequence[Detection], stored_at: datetime) -> set[UUID]:
        """Stores what is not there yet; returns the ids of what was new."""
        columns = zip(*(_values(detection) for detection in detections), strict=True)
        parameters = dict(zip(_ARRAYS, (list(column) for column in columns), strict=True))
        result = await self._session.execute(_INSERT, {"tenant_id": self._tenant_id, "stored_at": stored_at, **parameters})
        return set(result.scalars())

    async def delete_before(self, before: datetime, held: Sequence[Held], *, with_plate: bool, most: int) -> int:
        """Deletes rows from before an instant that are not held, only those with a plate or only others. Returns how many."""
        values = {"tenant_id": self._tenant_id, "before": before, "with_plate": with_plate, "most": most}
        ranges = {name: [each[index] for each in held] for index, name in enumerate(("cameras", "since", "until"))}
        return len((await self._session.execute(_DELETE, values | ranges)).all())

    async def newest(self, search: Search) -> list[Detection]:
        """Returns at most `search.limit`, by capture time, newest first."""
        result = await self._session.execute(_select(search))
        return [_detection(row) for row in result.mappings()]

    async def count_hours(self, search: Search) -> dict[datetime, int]:
        """Returns how many rows each hour has that has any."""
        hour = func.date_trunc("hour", detections.c.captured_at, "UTC")
        rows = await self._session.execute(select(hour, func.count()).where(*_conditions(search)).group_by(hour))
        return {begins: count for begins, count in rows}  # noqa: C416 - the rows are no plain tuples

    async def find(self, detection_id: UUID, captured_at: datetime) -> Detection | None:
        statement = select(detections).where(detections.c.captured_at == captured_at, detections.c.detection_id == detection_id)
        row = (await self._session.execute(statement)).mappings().first()
        return _detection(row) if row else None

    async def make_days(self, days: Sequence[date]) -> int:
        """Makes the partitions from the first day to the last; returns how many were missing. The owner's function may create tables."""
        statement = text("SELECT make_detections_partitions(CAST(:first AS date), CAST(:days AS integer))")
        return int(await self._session.scalar(statement, {"first": min(days), "days": (max(days) - min(days)).days + 1}) or 0)

    async def drop_days_before(self, day: date) -> int:
        """Drops older partitions; returns how many there were."""
        return int(await self._session.scalar(text("SELECT drop_detections_partitions(CAST(:day AS date))"), {"day": day}) or 0)


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    column = detections.c
    conditions = [
        column.camera_id.in_(search.camera_ids) if search.camera_ids is not None else None,
        column.captured_at >= search.start if search.start else None,
        column.captured_at < search.end if search.end else None,
        column.object_class == search.object_class if search.object_class else None,
        column.confidence >= search.min_confidence if search.min_confidence is not None else None,
        _reads(search.plate) if search.plate else None,
        column.plate.is_not(None) if search.plates_only else None,
        tuple_(column.captured_at, column.detection_id) < search.after if search.after else None,
        # Also as a plain bound: partitions are not pruned by a comparison of rows.
        column.captured_at <= search.after[0] if search.after else None,
    ]
    return [condition for condition in conditions if condition is not None]


def _reads(wanted: PlateSearch) -> ColumnElement[bool]:
    key, (first, last) = detections.c[wanted.column], wanted.span
    return key == first if first == last else key.between(first, last)


def _select(search: Search) -> Select[tuple[object, ...]]:
    column = detections.c
    statement: Select[tuple[object, ...]] = select(detections).where(*_conditions(search))
    return statement.order_by(column.captured_at.desc(), column.detection_id.desc()).limit(search.limit)


def _values(detection: Detection) -> tuple[object, ...]:
    """In the order of `_ARRAYS`."""
    seen = detection.seen
    read = seen.plate.text if seen.plate else None
    alternates = orjson.dumps([(each.text, each.confidence) for each in seen.plate_alternates]).decode() if seen.plate_alternates else None
    return (
        detection.captured_at,
        detection.detection_id,
        detection.camera_id,
        detection.arrived_at,
        seen.object_class.value,
        seen.confidence,
        _array(seen.box),
        read,
        plate.key(read) if read else None,
        plate.confusion_key(read) if read else None,
        seen.plate.confidence if seen.plate else None,
        _array(seen.plate_box) if seen.plate_box else None,
        alternates,
        detection.evidence_key,
        detection.evidence_sha256,
        detection.provider,
        detection.model,
        detection.clock_skew_ms,
    )


def _array(box: Box) -> str:
    return f"{{{box.x1},{box.y1},{box.x2},{box.y2}}}"


_LEAST = 1e-6
"""Narrower than this, both sides of a box come back as one number, and a box is never empty."""


def _box(values: Sequence[float]) -> Box:
    x1, y1, x2, y2 = (min(1.0, max(0.0, round(value, 6))) for value in values)  # REAL: 0.1 comes back as 0.10000000149
    x1, y1 = min(x1, 1 - _LEAST), min(y1, 1 - _LEAST)
    return Box(x1=x1, y1=y1, x2=max(x2, round(x1 + _LEAST, 6)), y2=max(y2, round(y1 + _LEAST, 6)))


def _detection(row: RowMapping) -> Detection:
    candidate = PlateCandidate(text=row["plate"], confidence=round(row["plate_confidence"], 6)) if row["plate"] else None
    seen = DetectedObject(
        object_class=row["object_class"],
        confidence=round(row["confidence"], 6),
        box=_box(row["box"]),
        plate=candidate,
        plate_alternates=tuple(PlateCandidate(text=read, confidence=sure) for read, sure in row["plate_alternates"] or ()),
        plate_box=_box(row["plate_box"]) if row["plate_box"] else None,
    )
    return Detection(
        detection_id=row["detection_id"],
        camera_id=row["camera_id"],
        captured_at=row["captured_at"],
        arrived_at=row["arrived_at"],
        seen=seen,
        evidence_key=row["evidence_key"],
        evidence_sha256=row["evidence_sha256"],
        provider=row["provider"],
        model=row["model"],
        clock_skew_ms=row["clock_skew_ms"],
        stored_at=row["stored_at"],
    )
