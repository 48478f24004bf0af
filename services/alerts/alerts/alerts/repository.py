"""Rows of alerts to nouns and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text, tuple_, update
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

    async def add(self, alert: Alert) -> bool:
        """Returns False where the alert exists."""
        added = insert(alerts).values(asdict(alert)).on_conflict_do_nothing().returning(_alert.alert_id)
        return (await self._session.execute(added)).first() is not None

    async def count_sighting(self, alert_id: UUID, seen_at: datetime) -> None:
        mine = update(alerts).where(_alert.tenant_id == self._tenant_id, _alert.alert_id == alert_id)
        await self._session.execute(mine.values(sightings=_alert.sightings + 1, last_seen_at=seen_at))

    async def get(self, alert_id: UUID) -> Alert | None:
        """Returns the alert, locked until the transaction ends."""
        found = select(alerts).where(_alert.tenant_id == self._tenant_id, _alert.alert_id == alert_id).with_for_update()
        row = (await self._session.execute(found)).first()
        return _read(row) if row else None

    async def acknowledge(self, alert_id: UUID, user_id: UUID, at: datetime) -> None:
        mine = update(alerts).where(_alert.tenant_id == self._tenant_id, _alert.alert_id == alert_id)
        await self._session.execute(mine.values(state=AlertState.ACKNOWLEDGED, acknowledged_by=user_id, acknowledged_at=at))

    async def list_newest(self, query: AlertQuery) -> list[Alert]:
        statement = select(alerts).where(_alert.tenant_id == self._tenant_id)
        if query.state is not None:
            statement = statement.where(_alert.state == query.state)
        if query.before is not None:
            statement = statement.where(tuple_(_alert.raised_at, _alert.alert_id) < query.before)
        if query.groups is not None:
            visible = select(_camera.camera_id).where(_camera.tenant_id == self._tenant_id, _camera.groups.overlap(sorted(query.groups)))
            statement = statement.where(_alert.camera_id.is_(None) | _alert.camera_id.in_(visible))
        statement = statement.order_by(_alert.raised_at.desc(), _alert.alert_id.desc()).limit(query.limit)
        return [_read(row) for row in await self._session.execute(statement)]

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
