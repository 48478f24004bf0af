"""Rows of alerts to nouns and back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, or_, select, text, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from alerts.alerts.domain import Alert, AlertQuery, AlertState, Entry, KnownCamera, Step
from alerts.alerts.tables import alerts, cameras, changes, history
from chassis.db import UnitOfWork
from city.cameras import CameraCopy
from gtvision.events import CameraDesired, Severity
from gtvision.ids import new_id

_alert, _camera, _entry = alerts.c, cameras.c, history.c
_IDENTITY = {"tenant_id", "alert_id"}


class PostgresAlerts:
    """Alerts of one tenant and our copy of its cameras, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def next_change(self, count: int = 1) -> int:
        """Returns the first of so many numbers, and has every other change of the tenant's alerts wait until this transaction ends.

        To be called before alerts are read that are to be changed: two replicas may hold sightings of one passage, and the second one
        finds the first one's alert.
        """
        first = insert(changes).values(tenant_id=self._tenant_id, last=count)
        counted = first.on_conflict_do_update(index_elements=[changes.c.tenant_id], set_={"last": changes.c.last + count})
        return int((await self._session.execute(counted.returning(changes.c.last))).scalar_one()) - count + 1

    async def last_change(self) -> int:
        """Returns the number of the last change: those up to it are visible to what is read afterwards."""
        return int(await self._session.scalar(select(changes.c.last).where(changes.c.tenant_id == self._tenant_id)) or 0)

    async def latest(self, kind: str, subject: str) -> Alert | None:
        """Returns the newest alert of this identity."""
        mine = (_alert.tenant_id == self._tenant_id, _alert.kind == kind, _alert.subject == subject)
        row = (await self._session.execute(select(alerts).where(*mine).order_by(_alert.last_seen_at.desc()).limit(1))).first()
        return _read(row) if row else None

    async def add(self, alert: Alert) -> bool:
        """Returns False where the alert exists."""
        added = insert(alerts).values(_row(alert)).on_conflict_do_nothing().returning(_alert.alert_id)
        return (await self._session.execute(added)).first() is not None

    async def save(self, alert: Alert) -> None:
        mine = update(alerts).where(_alert.tenant_id == self._tenant_id, _alert.alert_id == alert.alert_id)
        await self._session.execute(mine.values({name: value for name, value in _row(alert).items() if name not in _IDENTITY}))

    async def write_history(self, alert_id: UUID, entry: Entry) -> None:
        row = {"tenant_id": self._tenant_id, "alert_id": alert_id, "entry_id": new_id(), **asdict(entry)}
        await self._session.execute(insert(history).values(row))

    async def read_history(self, alert_id: UUID) -> list[Entry]:
        """Returns what became of an alert, oldest first."""
        mine = select(history).where(_entry.tenant_id == self._tenant_id, _entry.alert_id == alert_id)
        rows = await self._session.execute(mine.order_by(_entry.at, _entry.entry_id))
        return [Entry(row.at, Step(row.what), row.user_id, row.text) for row in rows]

    async def find(self, alert_ids: Collection[UUID], groups: frozenset[UUID] | None) -> dict[UUID, Alert]:
        """Returns those of the alerts that exist and whose camera is in the groups."""
        found = select(alerts).where(_alert.tenant_id == self._tenant_id, _alert.alert_id.in_(alert_ids), self._visible(groups))
        return {row.alert_id: _read(row) for row in await self._session.execute(found.order_by(_alert.alert_id))}

    async def snoozed(self, at: datetime, limit: int, *, muted: bool = False) -> list[Alert]:
        """Returns alerts whose snooze has ended; `muted`: that are muted until that very instant."""
        until = (_alert.snoozed_until == at) & ~_alert.told if muted else _alert.snoozed_until <= at
        over = (_alert.tenant_id == self._tenant_id, until, _alert.state != AlertState.RESOLVED)
        return [_read(row) for row in await self._session.execute(select(alerts).where(*over).order_by(_alert.snoozed_until).limit(limit))]

    async def tenants_to_wake(self, at: datetime) -> list[UUID]:
        """Returns the tenants that have alerts whose snooze has ended."""
        return list(await self._session.scalars(text("SELECT tenants_to_wake(:at)"), {"at": at}))

    async def list_newest(self, query: AlertQuery) -> list[Alert]:
        among = {
            _alert.state: query.states,
            _alert.kind: query.kinds,
            _alert.watchlist_id: query.watchlist_ids,
            _alert.rule_id: query.rule_ids,
            _alert.severity: query.severities,
        }
        conditions: list[ColumnElement[bool]] = [column.in_(sorted(wanted)) for column, wanted in among.items() if wanted is not None]
        if query.camera_ids is not None:
            wanted = sorted(query.camera_ids)
            conditions.append(or_(_alert.camera_id.in_(wanted), _alert.camera_ids.overlap(wanted)))
        limits = [
            _alert.plate == query.plate if query.plate is not None else None,
            _alert.assigned_to == query.assigned_to if query.assigned_to is not None else None,
            _alert.snoozed_until.is_(None) if query.awake else None,
            _alert.raised_at >= query.start if query.start is not None else None,
            _alert.raised_at < query.end if query.end is not None else None,
            tuple_(_alert.raised_at, _alert.alert_id) < query.before if query.before is not None else None,
        ]
        conditions += [limit for limit in limits if limit is not None]
        statement = select(alerts).where(_alert.tenant_id == self._tenant_id, self._visible(query.groups), *conditions)
        statement = statement.order_by(_alert.raised_at.desc(), _alert.alert_id.desc()).limit(query.limit)
        return [_read(row) for row in await self._session.execute(statement)]

    async def list_changed(self, after: int, up_to: int, limit: int, groups: frozenset[UUID] | None) -> list[Alert]:
        """Returns alerts as they are, in the order in which they changed last."""
        mine = (_alert.tenant_id == self._tenant_id, _alert.change > after, _alert.change <= up_to, self._visible(groups))
        rows = await self._session.execute(select(alerts).where(*mine).order_by(_alert.change, _alert.alert_id).limit(limit))
        return [_read(row) for row in rows]

    async def count_open(self, groups: frozenset[UUID] | None) -> dict[Severity, int]:
        """Returns how many open alerts there are of each severity that has any, without those that are snoozed."""
        mine = (_alert.tenant_id == self._tenant_id, _alert.state == AlertState.OPEN, _alert.snoozed_until.is_(None), self._visible(groups))
        rows = await self._session.execute(select(_alert.severity, func.count()).where(*mine).group_by(_alert.severity))
        return {Severity(severity): count for severity, count in rows}

    def _visible(self, groups: frozenset[UUID] | None) -> ColumnElement[bool]:
        """An alert without a camera is everybody's; one of cameras that we do not know, only of callers without limits."""
        if groups is None:
            return true()
        visible = select(_camera.camera_id).where(_camera.tenant_id == self._tenant_id, _camera.groups.overlap(sorted(groups)))
        none = _alert.camera_id.is_(None) & (func.cardinality(_alert.camera_ids) == 0)
        return or_(none, _alert.camera_id.in_(visible), _alert.camera_ids.overlap(func.array(visible.scalar_subquery())))

    async def camera(self, camera_id: UUID) -> KnownCamera | None:
        """Returns what is known of a camera, also of a removed one: its alerts mention it."""
        return (await self.cameras([camera_id])).get(camera_id)

    async def cameras(self, camera_ids: Collection[UUID]) -> dict[UUID, KnownCamera]:
        """Returns what is known of cameras, also of removed ones, by id."""
        found = select(_camera.camera_id, _camera.name, _camera.groups, _camera.removed)
        rows = await self._session.execute(found.where(_camera.tenant_id == self._tenant_id, _camera.camera_id.in_(camera_ids)))
        return {row.camera_id: KnownCamera(row.name, frozenset(row.groups), row.removed) for row in rows}

    async def count_cameras(self) -> int:
        """Returns how many cameras the tenant has."""
        living = select(func.count()).select_from(cameras).where(_camera.tenant_id == self._tenant_id, ~_camera.removed)
        return int(await self._session.scalar(living) or 0)

    async def camera_names(self) -> dict[UUID, str]:
        """Returns the names of all cameras that are there."""
        mine = (_camera.tenant_id == self._tenant_id, ~_camera.removed)
        return {row.camera_id: row.name for row in await self._session.execute(select(_camera.camera_id, _camera.name).where(*mine))}


_COLUMNS = tuple(each.name for each in fields(Alert))


def _row(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in _COLUMNS} | {"details": dict(alert.details)}


def _read(row: Row[Any]) -> Alert:
    values = {name: row._mapping[name] for name in _COLUMNS}
    read = {"severity": Severity(row.severity), "state": AlertState(row.state), "camera_ids": tuple(row.camera_ids)}
    return Alert(**(values | read | {"alternatives": tuple(row.alternatives)}))


def _kept(camera: CameraDesired) -> dict[str, object]:
    return {"name": camera.name, "groups": sorted(camera.groups)}


camera_copy = CameraCopy(cameras, _kept, remembers=True)
