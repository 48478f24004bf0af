"""Rows to nouns and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.domain import Alert, AlertState, Entry, Match, Watchlist
from alerts.ports import AlertQuery, KnownCamera
from alerts.tables import AlertRow, CameraRow, EntryRow, WatchlistRow
from chassis.db import UnitOfWork
from city.cameras import CameraCopy
from gtvision import plate as plates
from gtvision.errors import Conflict
from gtvision.events import CameraDesired, Severity


@dataclass(frozen=True)
class PostgresRepositories:
    """Every table of one unit of work."""

    uow: UnitOfWork

    @cached_property
    def watchlists(self) -> PostgresWatchlists:
        return PostgresWatchlists(self.uow.session, _tenant_of(self.uow))

    @cached_property
    def alerts(self) -> PostgresAlerts:
        return PostgresAlerts(self.uow.session, _tenant_of(self.uow))

    @cached_property
    def cameras(self) -> PostgresCameras:
        return PostgresCameras(self.uow.session, _tenant_of(self.uow))


def _tenant_of(uow: UnitOfWork) -> UUID:
    if uow.tenant_id is None:
        raise ValueError("these tables belong to a tenant: open the unit of work with one")
    return uow.tenant_id


@dataclass(frozen=True, slots=True)
class PostgresWatchlists:
    """Watchlists of one tenant."""

    session: AsyncSession
    tenant_id: UUID

    async def add(self, watchlist: Watchlist) -> None:
        values = {
            "tenant_id": self.tenant_id,
            "watchlist_id": watchlist.watchlist_id,
            "name": watchlist.name,
            "severity": watchlist.severity.value,
            "created_at": watchlist.created_at,
        }
        added = insert(WatchlistRow).values(values).on_conflict_do_nothing().returning(WatchlistRow.watchlist_id)
        if (await self.session.execute(added)).scalar_one_or_none() is None:
            raise Conflict("There is a watchlist of that name.")

    async def get(self, watchlist_id: UUID) -> Watchlist | None:
        row = await self.session.get(WatchlistRow, (self.tenant_id, watchlist_id))
        return _watchlist_of(row) if row else None

    async def list_after(self, after: UUID | None, limit: int) -> list[tuple[Watchlist, int]]:
        counted = (
            select(func.count())
            .where(EntryRow.tenant_id == WatchlistRow.tenant_id, EntryRow.watchlist_id == WatchlistRow.watchlist_id)
            .scalar_subquery()
        )
        query = select(WatchlistRow, counted).where(WatchlistRow.tenant_id == self.tenant_id)
        if after is not None:
            query = query.where(WatchlistRow.watchlist_id > after)
        rows = await self.session.execute(query.order_by(WatchlistRow.watchlist_id).limit(limit))
        return [(_watchlist_of(row), count) for row, count in rows]

    async def count_entries(self, watchlist_id: UUID) -> int:
        held = select(func.count()).where(EntryRow.tenant_id == self.tenant_id, EntryRow.watchlist_id == watchlist_id)
        return int(await self.session.scalar(held) or 0)

    async def delete(self, watchlist_id: UUID) -> bool:
        entries = delete(EntryRow).where(EntryRow.tenant_id == self.tenant_id, EntryRow.watchlist_id == watchlist_id)
        await self.session.execute(entries)
        gone = (
            delete(WatchlistRow)
            .where(WatchlistRow.tenant_id == self.tenant_id, WatchlistRow.watchlist_id == watchlist_id)
            .returning(WatchlistRow.watchlist_id)
        )
        return (await self.session.execute(gone)).scalar_one_or_none() is not None

    async def add_entry(self, entry: Entry) -> Entry:
        values = {name: getattr(entry, name) for name in Entry.__slots__}
        values |= {"match": entry.match.value, "plate_key": plates.key(entry.plate)}
        changed = {name: values[name] for name in ("match", "reason", "valid_until")}
        same_plate = [EntryRow.tenant_id, EntryRow.watchlist_id, EntryRow.plate]
        stored = insert(EntryRow).values(values).on_conflict_do_update(index_elements=same_plate, set_=changed).returning(EntryRow)
        return _entry_of((await self.session.execute(stored)).scalar_one())

    async def get_entry(self, watchlist_id: UUID, entry_id: UUID) -> Entry | None:
        row = await self.session.get(EntryRow, (self.tenant_id, entry_id))
        return _entry_of(row) if row and row.watchlist_id == watchlist_id else None

    async def entries_after(self, watchlist_id: UUID, after: UUID | None, limit: int) -> list[Entry]:
        query = select(EntryRow).where(EntryRow.tenant_id == self.tenant_id, EntryRow.watchlist_id == watchlist_id)
        if after is not None:
            query = query.where(EntryRow.entry_id > after)
        rows = await self.session.execute(query.order_by(EntryRow.entry_id).limit(limit))
        return [_entry_of(row) for row in rows.scalars()]

    async def delete_entry(self, watchlist_id: UUID, entry_id: UUID) -> Entry | None:
        gone = (
            delete(EntryRow)
            .where(EntryRow.tenant_id == self.tenant_id, EntryRow.watchlist_id == watchlist_id, EntryRow.entry_id == entry_id)
            .returning(EntryRow)
        )
        row = (await self.session.execute(gone)).scalar_one_or_none()
        return _entry_of(row) if row else None

    async def matching(self, texts: Sequence[str]) -> list[tuple[Watchlist, Entry]]:
        keys = sorted({plates.key(plate) for plate in texts})
        query = (
            select(WatchlistRow, EntryRow)
            .join(EntryRow, (EntryRow.tenant_id == WatchlistRow.tenant_id) & (EntryRow.watchlist_id == WatchlistRow.watchlist_id))
            .where(WatchlistRow.tenant_id == self.tenant_id, EntryRow.plate_key.in_(keys))
            .order_by(EntryRow.entry_id)
        )
        return [(_watchlist_of(watchlist), _entry_of(entry)) for watchlist, entry in (await self.session.execute(query))]


def _watchlist_of(row: WatchlistRow) -> Watchlist:
    return Watchlist(
        watchlist_id=row.watchlist_id, tenant_id=row.tenant_id, name=row.name, severity=Severity(row.severity), created_at=row.created_at
    )


def _entry_of(row: EntryRow) -> Entry:
    return Entry(**{name: getattr(row, name) for name in Entry.__slots__ if name != "match"}, match=Match(row.match))


@dataclass(frozen=True, slots=True)
class PostgresAlerts:
    """Alerts of one tenant."""

    session: AsyncSession
    tenant_id: UUID

    async def latest(self, entry_id: UUID, camera_id: UUID) -> Alert | None:
        # Two replicas may hold sightings of one passage: the pair is judged by one at a time.
        await self.session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:pair, 0))"), {"pair": f"{self.tenant_id}{entry_id}{camera_id}"}
        )
        query = (
            select(AlertRow)
            .where(AlertRow.tenant_id == self.tenant_id, AlertRow.entry_id == entry_id, AlertRow.camera_id == camera_id)
            .order_by(AlertRow.last_seen_at.desc())
            .limit(1)
        )
        row = (await self.session.execute(query)).scalar_one_or_none()
        return _alert_of(row) if row else None

    async def add(self, alert: Alert) -> bool:
        values = {name: getattr(alert, name) for name in Alert.__slots__}
        values |= {"severity": alert.severity.value, "state": alert.state.value}
        added = insert(AlertRow).values(values).on_conflict_do_nothing().returning(AlertRow.alert_id)
        return (await self.session.execute(added)).scalar_one_or_none() is not None

    async def count_sighting(self, alert_id: UUID, seen_at: datetime) -> None:
        await self.session.execute(
            update(AlertRow)
            .where(AlertRow.tenant_id == self.tenant_id, AlertRow.alert_id == alert_id)
            .values(sightings=AlertRow.sightings + 1, last_seen_at=seen_at)
            .execution_options(synchronize_session=False)
        )
        self.session.expire_all()

    async def get(self, alert_id: UUID) -> Alert | None:
        query = select(AlertRow).where(AlertRow.tenant_id == self.tenant_id, AlertRow.alert_id == alert_id).with_for_update()
        row = (await self.session.execute(query)).scalar_one_or_none()
        return _alert_of(row) if row else None

    async def acknowledge(self, alert_id: UUID, user_id: UUID, at: datetime) -> None:
        await self.session.execute(
            update(AlertRow)
            .where(AlertRow.tenant_id == self.tenant_id, AlertRow.alert_id == alert_id)
            .values(state=AlertState.ACKNOWLEDGED.value, acknowledged_by=user_id, acknowledged_at=at)
        )

    async def list_newest(self, query: AlertQuery) -> list[Alert]:
        statement = select(AlertRow).where(AlertRow.tenant_id == self.tenant_id)
        if query.state is not None:
            statement = statement.where(AlertRow.state == query.state.value)
        if query.before is not None:
            statement = statement.where(tuple_(AlertRow.raised_at, AlertRow.alert_id) < query.before)
        if query.groups is not None:
            visible = select(CameraRow.camera_id).where(
                CameraRow.tenant_id == self.tenant_id, CameraRow.groups.overlap(sorted(query.groups))
            )
            statement = statement.where(AlertRow.camera_id.is_(None) | AlertRow.camera_id.in_(visible))
        statement = statement.order_by(AlertRow.raised_at.desc(), AlertRow.alert_id.desc()).limit(query.limit)
        return [_alert_of(row) for row in (await self.session.execute(statement)).scalars()]


def _alert_of(row: AlertRow) -> Alert:
    values = {name: getattr(row, name) for name in Alert.__slots__}
    return Alert(**{**values, "severity": Severity(row.severity), "state": AlertState(row.state)})


@dataclass(frozen=True, slots=True)
class PostgresCameras:
    """Our copy of one tenant's cameras."""

    session: AsyncSession
    tenant_id: UUID

    async def get(self, camera_id: UUID) -> KnownCamera | None:
        row = await self.session.get(CameraRow, (self.tenant_id, camera_id))
        return KnownCamera(name=row.name, groups=frozenset(row.groups)) if row else None


def _kept(camera: CameraDesired) -> dict[str, object]:
    return {"name": camera.name, "groups": sorted(camera.groups)}


camera_copy = CameraCopy(CameraRow.__table__, _kept, remembers=True)
