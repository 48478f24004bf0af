"""What is done with planned work and holidays: a method a verb, one transaction each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from alerts.maintenance.domain import Holiday, Window, check_window, differences, muted_until
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound
from gtvision.events import Event, TenantRemoved
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import Caller
from gtvision.time import Clock

if TYPE_CHECKING:
    from alerts.maintenance.repository import PostgresMaintenance


@dataclass(frozen=True, slots=True)
class WindowDraft:
    """Planned work, as a person typed it."""

    name: str
    starts_at: datetime
    ends_at: datetime
    camera_ids: tuple[UUID, ...] = ()
    group_ids: tuple[UUID, ...] = ()


class Muted(Protocol):
    """What was muted by planned work until its end, and now is until another instant; None: people are told."""

    async def __call__(self, uow: UnitOfWork, end: datetime, until: datetime | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Maintenance:
    """When nobody wants to be told."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresMaintenance]
    clock: Clock
    muted: tuple[Muted, ...] = ()

    async def muted_until(self, uow: UnitOfWork, camera_id: UUID | None, groups: frozenset[UUID], at: datetime) -> datetime | None:
        """Returns when the planned work at this camera ends (without one: at the whole city); None where there is none."""
        return muted_until(await self.repository(uow).not_ended(at), camera_id, groups, at)

    async def planned(self, uow: UnitOfWork, at: datetime) -> list[Window]:
        """Returns the planned work that ends after an instant, for `domain.muted_until` of many cameras."""
        return await self.repository(uow).not_ended(at)

    async def holidays(self, uow: UnitOfWork) -> frozenset[date]:
        return frozenset(each.day for each in await self.repository(uow).holidays())

    async def plan_window(self, caller: Caller, draft: WindowDraft, once: Once | None = None) -> Window:
        """Raises: Invalid, IdempotencyKeyReused, Gone."""
        now = self.clock.now()
        fields = draft.name, draft.starts_at, draft.ends_at, draft.camera_ids, draft.group_ids
        window = Window(new_id(), caller.tenant_id, *fields, now)
        async with self.uow(caller.tenant_id) as uow:
            earlier = await claim(uow, caller, once, window.window_id, now)
            if earlier is not None:
                made = await self.repository(uow).get(earlier)
                if made is None:
                    raise Gone
                return made
            check_window(window, now)
            await self.repository(uow).add(window)
            record(uow, Action.MAINTENANCE_PLANNED, caller, _audit(window))
        return window

    async def change_window(self, caller: Caller, window_id: UUID, patch: Patch) -> Window:
        """Raises: Invalid, NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            window = _found(await self.repository(uow).get(window_id, lock=True), caller)
            changed = patch.apply(window)
            if changed == window:
                return window
            now = self.clock.now()
            check_window(changed, now)
            await self.repository(uow).save(changed)
            is_going_on = changed.is_about_the_same_as(window) and changed.starts_at <= now
            await self._move(uow, window.ends_at, changed.ends_at if is_going_on else None)
            record(uow, Action.MAINTENANCE_CHANGED, caller, _audit(changed, changed=differences(window, changed)))
        return changed

    async def remove_window(self, caller: Caller, window_id: UUID) -> None:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            window = _found(await self.repository(uow).get(window_id, lock=True), caller)
            await self.repository(uow).delete(window_id)
            await self._move(uow, window.ends_at, None)
            record(uow, Action.MAINTENANCE_REMOVED, caller, _audit(window))

    async def _move(self, uow: UnitOfWork, end: datetime, until: datetime | None) -> None:
        if end != until and end > self.clock.now():
            for muted in self.muted:
                await muted(uow, end, until)

    async def list_windows(self, caller: Caller, before: UUID | None, limit: int) -> tuple[list[Window], UUID | None]:
        """Returns those that the caller may see, the newest first, and where the next page begins."""
        async with self.uow(caller.tenant_id) as uow:
            found = await self.repository(uow).list_before(before, limit)
        following = found[-1].window_id if len(found) == limit else None
        return [window for window in found if window.is_visible_to(caller.camera_groups)], following

    async def list_holidays(self, caller: Caller) -> list[Holiday]:
        async with self.uow(caller.tenant_id) as uow:
            return await self.repository(uow).holidays()

    async def set_holidays(self, caller: Caller, days: Sequence[Holiday]) -> list[Holiday]:
        """Replaces them all."""
        async with self.uow(caller.tenant_id) as uow:
            await self.repository(uow).put_holidays(days)
            listed = ", ".join(f"{each.day} {each.name}" for each in days)
            record(uow, Action.MAINTENANCE_CHANGED, caller, AuditEntry("holidays", details={"dates": listed}))
            return await self.repository(uow).holidays()

    async def forget_city(self, consumer: str, event: Event[TenantRemoved]) -> None:
        """Deletes what was planned by a city that left. A repeat changes nothing."""
        async with self.uow(event.tenant_id) as uow:
            if await uow.seen(consumer, event.event_id):
                return
            for window in await self.repository(uow).delete_all():
                record(uow, Action.MAINTENANCE_REMOVED, None, _audit(window))


def _found(window: Window | None, caller: Caller) -> Window:
    if window is None or not window.is_visible_to(caller.camera_groups):
        raise NotFound
    return window


def _audit(window: Window, **more: str) -> AuditEntry:
    details: dict[str, object] = {"name": window.name, "cameras": len(window.camera_ids) or "-", "groups": len(window.group_ids) or "-"}
    camera_id = window.camera_ids[0] if len(window.camera_ids) == 1 else None
    return AuditEntry("maintenance", window.window_id, camera_id, window.starts_at, window.ends_at, details | more)
