"""A listener's own copy of the cameras: what a service must know of them stands in a table of its own, and events keep it true.

    camera_copy = CameraCopy(CameraRow.__table__, lambda data: {"name": data.name})              # repository: what is kept
    CameraEvents(db.uow, camera_copy, changed=reconciler.wake.set).subscribe(bus)                # app

Events come twice and in any order, and some never come. The rule for all of that stands here once:

- A higher revision is news, a lower one never is. The same one again only says that the camera lived then.
- A removal leaves a tombstone with its revision, so that nothing older brings the camera back.
- A list of the living (`CamerasAnnounced`) removes what it leaves out, unless that was told after the list was made: it heals a removal
  that never came. What was left out by mistake is back as soon as it is told of later, at the same revision. What was removed by name
  is not: a removal's revision is higher than any that the living camera had.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
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
"""What a service keeps of a camera, by column."""

_NOTHING = CameraRegistered(camera_id=UUID(int=0), revision=1, name="", enabled=False, url_encrypted="", ai=AiSettings(enabled=False))
"""What is known of a camera that was removed before it was heard of."""


class CameraCopy:
    """The rule as statements on a service's table.

    The table has `tenant_id` and `camera_id` (its key), `revision`, `removed`, `told_at` (when the event that it follows occurred) and
    the columns of `keeps`. A removal clears those, unless `remembers`.
    """

    def __init__(self, table: FromClause, keeps: Keeps, *, remembers: bool = False) -> None:
        if not isinstance(table, Table):
            raise TypeError(f"{table} is not a table")
        self._table = table
        self._keeps = keeps
        self._blank = dict(keeps(_NOTHING))
        self._cleared = {} if remembers else self._blank

    async def told(self, work: UnitOfWork, camera: CameraDesired, at: datetime) -> bool:
        """Take over what was said at an instant, if it is news; whether it was."""
        known = self._table.c
        values = {"revision": camera.revision, "removed": False, "told_at": at, **self._keeps(camera)}
        back = and_(known.removed, known.revision == camera.revision, known.told_at < at)
        if await self._put(work, camera.camera_id, values, values, or_(known.revision < camera.revision, back)):
            return True
        # So that an older list cannot remove what was seen to live after it.
        same = and_(known.camera_id == camera.camera_id, known.revision == camera.revision, ~known.removed, known.told_at < at)
        await work.session.execute(update(self._table).where(known.tenant_id == work.tenant_id, same).values(told_at=at))
        return False

    async def removed(self, work: UnitOfWork, camera_id: UUID, revision: int, at: datetime) -> bool:
        """Leave a tombstone, also for a camera never heard of; whether that was news."""
        gone = {"revision": revision, "removed": True, "told_at": at}
        return await self._put(work, camera_id, self._blank | gone, self._cleared | gone, self._table.c.revision < revision)

    async def announced(self, work: UnitOfWork, living: Sequence[UUID], as_of: datetime) -> bool:
        """Remove what was told before `as_of` and is not listed; whether there was any."""
        known = self._table.c
        unlisted = and_(~known.removed, known.told_at < as_of, known.camera_id != all_(literal(list(living), ARRAY(Uuid))))
        gone = update(self._table).where(known.tenant_id == work.tenant_id, unlisted)
        removed = gone.values(self._cleared | {"removed": True, "told_at": as_of}).returning(known.camera_id)
        return len((await work.session.execute(removed)).all()) > 0

    async def _put(
        self, work: UnitOfWork, camera_id: UUID, first: Mapping[str, Any], changed: Mapping[str, Any], newer: ColumnElement[bool]
    ) -> bool:
        known = self._table.c
        added = insert(self._table).values(tenant_id=work.tenant_id, camera_id=camera_id, **first)
        put = added.on_conflict_do_update(index_elements=[known.tenant_id, known.camera_id], set_=dict(changed), where=newer)
        return (await work.session.execute(put.returning(known.camera_id))).first() is not None


class CameraEvents:
    """Tells a copy every event of the cameras, each once. `changed` is called when the copy did change, after the commit."""

    def __init__(self, uow: UowFactory, copy: CameraCopy, changed: Callable[[], None] | None = None) -> None:
        self._uow = uow
        self._copy = copy
        self._changed = changed

    def subscribe(self, bus: Bus) -> None:
        """Bind every handler to its queue."""
        bus.subscribe(CameraRegistered, self.on_camera_registered)
        bus.subscribe(CameraUpdated, self.on_camera_updated)
        bus.subscribe(CameraRemoved, self.on_camera_removed)
        bus.subscribe(CamerasAnnounced, self.on_cameras_announced)

    async def on_camera_registered(self, event: Event[CameraRegistered]) -> None:
        await self._once(event, lambda work: self._copy.told(work, event.data, event.occurred_at))

    async def on_camera_updated(self, event: Event[CameraUpdated]) -> None:
        await self._once(event, lambda work: self._copy.told(work, event.data, event.occurred_at))

    async def on_camera_removed(self, event: Event[CameraRemoved]) -> None:
        await self._once(event, lambda work: self._copy.removed(work, event.data.camera_id, event.data.revision, event.occurred_at))

    async def on_cameras_announced(self, event: Event[CamerasAnnounced]) -> None:
        await self._once(event, lambda work: self._copy.announced(work, event.data.camera_ids, event.data.as_of))

    async def _once(self, event: Envelope, news: Callable[[UnitOfWork], Awaitable[bool]]) -> None:
        async with self._uow(event.tenant_id) as work:
            changed = not await work.seen(event.type, event.event_id) and await news(work)
        if changed and self._changed is not None:
            self._changed()
