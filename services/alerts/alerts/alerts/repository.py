"""Rows of alerts to nouns and back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, text, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from alerts.alerts.domain import Alert, AlertQuery, AlertState, KnownCamera
from alerts.alerts.tables import alerts, cameras
from chassis.db import UnitOfWork
from city.cameras import CameraCopy
from gtvision.events import CameraDesired, Severity

_alert, _camera = alerts.c, cameras.c
_LOCK_PAIR = text("SELECT pg_advisory_xact_lock(hashtextextended(:pair, 0))")


class PostgresAlerts:
    """Alerts of one tenant and our copy of its cameras, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def latest(self, entry_id: UUID, camera_id: UUID) -> Alert | None:
        """Returns the newest alert of the pair, and locks the pair until the transaction ends.

        Two replicas may hold sightings of one passage: the second one waits here, and finds the first one's alert.
        """
        await self._session.execute(_LOCK_PAIR, {"pair": f"{self._tenant_id}{entry_id}{camera_id}"})
        found = (
            select(alerts)
            .where(_alert.tenant_id == self._tenant_id, _alert.entry_id == entry_id, _alert.camera_id == camera_id)
            .order_by(_alert.last_seen_at.desc())
            .limit(1)
        )
        row = (await self._session.execute(found)).first()
        return _read(row) if row else None

    async def open_of_kind(self, kind: str, camera_id: UUID | None) -> Alert | None:
        """Returns the newest open alert of a kind at a camera, and locks the pair until the transaction ends."""
        await self._session.execute(_LOCK_PAIR, {"pair": f"{self._tenant_id}{kind}{camera_id}"})
        here = _alert.camera_id == camera_id if camera_id is not None else _alert.camera_id.is_(None)
        found = select(alerts).where(_alert.tenant_id == self._tenant_id, _alert.state == AlertState.OPEN, _alert.kind == kind, here)
        row = (await self._session.execute(found.order_by(_alert.raised_at.desc()).limit(1))).first()
        return _read(row) if row else None

    async def lock_latest(self, pairs: Collection[tuple[UUID, UUID]]) -> None:
        """Locks these pairs of entry and camera, and then the newest alert of each by its id: the order in which people acknowledge."""
        newest = []
        for entry_id, camera_id in sorted(pairs):
            if (alert := await self.latest(entry_id, camera_id)) is not None:
                newest.append(alert.alert_id)
        await self.find(newest, None, lock=True)

    async def add(self, alert: Alert) -> bool:
        """Returns False where the alert exists."""
        added = insert(alerts).values(asdict(alert)).on_conflict_do_nothing().returning(_alert.alert_id)
        return (await self._session.execute(added)).first() is not None

    async def count_sighting(self, alert_id: UUID, seen_at: datetime) -> None:
        mine = update(alerts).where(_alert.tenant_id == self._tenant_id, _alert.alert_id == alert_id)
        await self._session.execute(mine.values(sightings=_alert.sightings + 1, last_seen_at=seen_at))

    async def find(self, alert_ids: Collection[UUID], groups: frozenset[UUID] | None, *, lock: bool = False) -> dict[UUID, Alert]:
        """Returns those of the alerts that exist and whose camera is in the groups; locked, they are so until the transaction ends."""
        found = select(alerts).where(_alert.tenant_id == self._tenant_id, _alert.alert_id.in_(alert_ids), self._visible(groups))
        found = found.order_by(_alert.alert_id)  # always in one order: two people who acknowledge the same ones wait, and do not deadlock
        rows = await self._session.execute(found.with_for_update() if lock else found)
        return {row.alert_id: _read(row) for row in rows}

    async def acknowledge(self, alert_ids: Collection[UUID], user_id: UUID, at: datetime) -> None:
        mine = update(alerts).where(_alert.tenant_id == self._tenant_id, _alert.alert_id.in_(alert_ids))
        await self._session.execute(mine.values(state=AlertState.ACKNOWLEDGED, acknowledged_by=user_id, acknowledged_at=at))

    async def list_newest(self, query: AlertQuery) -> list[Alert]:
        conditions = [
            _alert.tenant_id == self._tenant_id,
            self._visible(query.groups),
            _alert.state == query.state if query.state is not None else None,
            _alert.camera_id.in_(query.camera_ids) if query.camera_ids is not None else None,
            _alert.watchlist_id.in_(query.watchlist_ids) if query.watchlist_ids is not None else None,
            _alert.severity.in_(query.severities) if query.severities is not None else None,
            _alert.plate == query.plate if query.plate is not None else None,
            _alert.raised_at >= query.start if query.start is not None else None,
            _alert.raised_at < query.end if query.end is not None else None,
            tuple_(_alert.raised_at, _alert.alert_id) < query.before if query.before is not None else None,
        ]
        statement = select(alerts).where(*(condition for condition in conditions if condition is not None))
        statement = statement.order_by(_alert.raised_at.desc(), _alert.alert_id.desc()).limit(query.limit)
        return [_read(row) for row in await self._session.execute(statement)]

    async def count_open(self, groups: frozenset[UUID] | None) -> dict[Severity, int]:
        """Returns how many open alerts there are of each severity that has any."""
        mine = (_alert.tenant_id == self._tenant_id, _alert.state == AlertState.OPEN, self._visible(groups))
        rows = await self._session.execute(select(_alert.severity, func.count()).where(*mine).group_by(_alert.severity))
        return {Severity(severity): count for severity, count in rows}

    def _visible(self, groups: frozenset[UUID] | None) -> ColumnElement[bool]:
        """An alert without a camera is everybody's; one of a camera that we do not know, only of callers without limits."""
        if groups is None:
            return true()
        visible = select(_camera.camera_id).where(_camera.tenant_id == self._tenant_id, _camera.groups.overlap(sorted(groups)))
        return _alert.camera_id.is_(None) | _alert.camera_id.in_(visible)

    async def camera(self, camera_id: UUID) -> KnownCamera | None:
        """Returns what is known of a camera, also of a removed one: its alerts mention it."""
        found = select(_camera.name, _camera.groups).where(_camera.tenant_id == self._tenant_id, _camera.camera_id == camera_id)
        row = (await self._session.execute(found)).first()
        return KnownCamera(row.name, frozenset(row.groups)) if row else None


def _read(row: Row[Any]) -> Alert:
    return Alert(**{**row._mapping, "severity": Severity(row.severity), "state": AlertState(row.state)})


def _kept(camera: CameraDesired) -> dict[str, object]:
    return {"name": camera.name, "groups": sorted(camera.groups)}


camera_copy = CameraCopy(cameras, _kept, remembers=True)
