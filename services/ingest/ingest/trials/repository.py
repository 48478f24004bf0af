"""Stored detections as a rule sees them. Written by hand: a trial reads a million of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.db import UnitOfWork
from gtvision import plate as plates
from gtvision.camera import ObjectClass
from gtvision.rules import RuleCondition, Sighting
from ingest.trials.domain import Shown

_PLAIN = "detection_id, camera_id, date_part('epoch', captured_at)"
_PLACED = f"{_PLAIN}, object_class, (box[1] + box[3]) / 2, box[4], box[3] - box[1]"
"""The first fields of a `Sighting`: all that is needed, or also what zones, lines and the tracker go by."""

_ROUNDING = 1e-6
"""Stored numbers have some six digits; the polygon itself decides what lies on its rim."""
_SHOWN = text(
    """
    SELECT detection_id, object_class, confidence, plate, evidence_key IS NOT NULL AS has_evidence FROM detections
    WHERE tenant_id = :tenant_id AND captured_at BETWEEN :first AND :last AND captured_at = ANY(:at) AND detection_id = ANY(:ids)
    """
)


class PostgresHistory:
    """The stored detections of one tenant, in one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def read(
        self, asked: RuleCondition, cameras: Collection[UUID] | None, span: tuple[datetime, datetime], after: Sighting | None, most: int
    ) -> Sequence[tuple[Any, ...]]:
        """Returns the next rows in order of time, each as a `Sighting` begins: only those that the condition may be about."""
        asks = _Asks(self._tenant_id, asked, cameras)
        if after is None:
            asks.add("captured_at >= {}", span[0])
        else:
            asks.add(
                "captured_at >= {} AND (captured_at, detection_id) > ({}, {})", after.captured_at, after.captured_at, after.detection_id
            )
        asks.add("captured_at < {}", span[1])
        columns = _PLACED if asked.zone or asked.line or asked.dwell_s or asked.count else _PLAIN
        # Only our own words are put in; every value is bound.
        statement = f"SELECT {columns} FROM detections WHERE {asks} ORDER BY captured_at, detection_id LIMIT {most:d}"  # noqa: S608
        connection = (await (await self._session.connection()).get_raw_connection()).driver_connection
        assert connection is not None
        rows: Sequence[tuple[Any, ...]] = await connection.fetch(statement, *asks.values)
        return rows

    async def show(self, sightings: Collection[Sighting]) -> dict[UUID, Shown]:
        """Returns what is stored of some sightings."""
        if not sightings:
            return {}
        at = [each.captured_at for each in sightings]
        ids = [each.detection_id for each in sightings]
        values = {"tenant_id": self._tenant_id, "first": min(at), "last": max(at), "at": at, "ids": ids}
        rows = await self._session.execute(_SHOWN, values)
        return {
            row.detection_id: Shown(ObjectClass(row.object_class), round(row.confidence, 6), row.plate, row.has_evidence) for row in rows
        }


class _Asks:
    """The conditions that the database decides, and their values: all but the polygon, the schedule, and what needs a track."""

    def __init__(self, tenant_id: UUID | None, asked: RuleCondition, cameras: Collection[UUID] | None) -> None:
        self._parts: list[str] = []
        self.values: list[Any] = []
        self.add("tenant_id = {}", tenant_id)
        self.add("confidence >= CAST({} AS real)", asked.min_confidence)
        if cameras is not None and len(cameras) == 1:
            self.add("camera_id = {}", next(iter(cameras)))  # read in the order of its index
        elif cameras is not None:
            self.add("camera_id = ANY({})", sorted(cameras))
        if asked.classes:
            self.add("object_class = ANY({})", sorted(asked.classes))
        if asked.zone:
            across, down = zip(*asked.zone.points, strict=True)
            self.add("(box[1] + box[3]) / 2 BETWEEN {} AND {}", min(across) - _ROUNDING, max(across) + _ROUNDING)
            self.add("box[4] BETWEEN {} AND {}", min(down) - _ROUNDING, max(down) + _ROUNDING)
        self._add_plate(asked.plate)

    def _add_plate(self, plate: str | None) -> None:
        if plate in {"any", "none"}:
            self.add("plate IS NOT NULL" if plate == "any" else "plate IS NULL")
        elif plate:
            self.add("plate BETWEEN {} AND {}", *plates.span(plate))

    def add(self, part: str, *values: Any) -> None:
        at = range(len(self.values) + 1, len(self.values) + len(values) + 1)
        self._parts.append(part.format(*(f"${number}" for number in at)))
        self.values += values

    def __str__(self) -> str:
        return " AND ".join(self._parts)
