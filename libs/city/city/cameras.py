"""A listener's own copy of the cameras: what a service must know of them is in a table of its own, and events keep it current.

    camera_copy = CameraCopy(CameraRow.__table__, lambda data: {"name": data.name})              # repository: what is kept
    CameraEvents(db.uow, camera_copy, changed=reconciler.wake.set).subscribe(bus)                # app

Events come twice and in any order, and some never come. The rules for that are here once:

- Only a higher revision changes the copy. The same revision again only says that the camera existed at that time.
- A removal leaves a tombstone with its revision, so that no older event brings the camera back.
- A list of all existing cameras (`CamerasAnnounced`) removes those that it leaves out, unless an event about them occurred after the list
  was made: it makes up for a removal that never came. A camera that was left out by mistake comes back with its next event of the same
  revision. One that was removed by its own event does not: a removal's revision is higher than any that the camera had.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Table, Uuid, all_, and_, literal, or_, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from chassis.bus import Bus
from chassis.db import UnitOfWork, UowFactory
from gtvision.camera import AiSettings
from gtvision.events import CameraDesired, CameraRegistered, CameraRemoved, CamerasAnnounced, CameraUpdated, Envelope, Event

Keeps = Callable[[CameraDesired], Mapping[str, Any]]
"""Returns what a service keeps of a camera, by column."""

_NOTHING = CameraRegistered(camera_id=UUID(int=0), revision=1, name="", enabled=False, url_encrypted="", ai=AiSettings(enabled=False))
"""The values of a camera whose removal is its first event."""


class CameraCopy:
    """The rules as statements on a service's table.

    The table has `tenant_id` and `camera_id` (its key), `revision`, `removed`, `told_at` (when the event that it follows occurred) and
    the columns of `keeps`. A removal clears those, but for those that outlive it; a copy that `remembers` keeps all.
    """

    def __init__(self, table: FromClause, keeps: Keeps, *, remembers: bool = False, outliving: Collection[str] = ()) -> None:
        if not isinstance(table, Table):
            raise TypeError(f"{table} is not a table")
        self._table = table
        self._keeps = keeps
        self._blank = dict(keeps(_NOTHING))
        self._cleared = {} if remembers else {name: value for name, value in self._blank.items() if name not in outliving}

    async def told(self, uow: UnitOfWork, camera: CameraDesired, at: datetime) -> bool:
        """Stores the state that an event of this instant carries, if it is newer. Returns whether it was."""
        known = self._table.c
        values = {"revision": camera.revision, "removed": False, "told_at": at, **self._keeps(camera)}
        back = and_(known.removed, known.revision == camera.revision, known.told_at < at)
        if await self._put(uow, camera.camera_id, values, values, or_(known.revision < camera.revision, back)):
            return True
        # So that a list made before this event cannot remove the camera.
        same = and_(known.camera_id == camera.camera_id, known.revision == camera.revision, ~known.removed, known.told_at < at)
        await uow.session.execute(update(self._table).where(known.tenant_id == uow.tenant_id, same).values(told_at=at))
        return False

    async def removed(self, uow: UnitOfWork, camera_id: UUID, revision: int, at: datetime) -> bool:
        """Leaves a tombstone, also for a camera that is not known. Returns whether that was new."""
        gone = {"revision": revision, "removed": True, "told_at": at}
        return await self._put(uow, camera_id, self._blank | gone, self._cleared | gone, self._table.c.revision < revision)

    async def announced(self, uow: UnitOfWork, living: Sequence[UUID], as_of: datetime) -> bool:
        """Removes cameras that are not listed and whose last event is older than `as_of`. Returns whether there were any."""
        known = self._table.c
        unlisted = and_(~known.removed, known.told_at < as_of, known.camera_id != all_(literal(list(living), ARRAY(Uuid))))
        gone = update(self._table).where(known.tenant_id == uow.tenant_id, unlisted)
        removed = gone.values(self._cleared | {"removed": True, "told_at": as_of}).returning(known.camera_id)
        return len((await uow.session.execute(removed)).all()) > 0

    async def _put(
        self, uow: UnitOfWork, camera_id: UUID, first: Mapping[str, Any], changed: Mapping[str, Any], newer: ColumnElement[bool]
    ) -> bool:
        known = self._table.c
        added = insert(self._table).values(tenant_id=uow.tenant_id, camera_id=camera_id, **first)
        put = added.on_conflict_do_update(index_elements=[known.tenant_id, known.camera_id], set_=dict(changed), where=newer)
        return (await uow.session.execute(put.returning(known.camera_id))).first() is not None


class CameraEvents:
    """Applies every event of the cameras to a copy, each once. `changed` is called after the commit, when the copy has changed."""

    def __init__(self, uow: UowFactory, copy: CameraCopy, changed: Callable[[], None] | None = None) -> None:
        self._uow = uow
        self._copy = copy
        self._changed = changed

    def subscribe(self, bus: Bus) -> None:
        """Binds every handler to its queue."""
        bus.subscribe(CameraRegistered, self.on_camera_registered)
        bus.subscribe(CameraUpdated, self.on_camera_updated)
        bus.subscribe(CameraRemoved, self.on_camera_removed)
        bus.subscribe(CamerasAnnounced, self.on_cameras_announced)

    async def on_camera_registered(self, event: Event[CameraRegistered]) -> None:
        await self._once(event, lambda uow: self._copy.told(uow, event.data, event.occurred_at))

    async def on_camera_updated(self, event: Event[CameraUpdated]) -> None:
        await self._once(event, lambda uow: self._copy.told(uow, event.data, event.occurred_at))

    async def on_camera_removed(self, event: Event[CameraRemoved]) -> None:
        await self._once(event, lambda uow: self._copy.removed(uow, event.data.camera_id, event.data.revision, event.occurred_at))

    async def on_cameras_announced(self, event: Event[CamerasAnnounced]) -> None:
        await self._once(event, lambda uow: self._copy.announced(uow, event.data.camera_ids, event.data.as_of))

    async def _once(self, event: Envelope, news: Callable[[UnitOfWork], Awaitable[bool]]) -> None:
        async with self._uow(event.tenant_id) as uow:
            changed = not await uow.seen(event.type, event.event_id) and await news(uow)
        if changed and self._changed is not None:
            self._changed()
