"""Legal holds, as callers place, see and lift them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Conflict, Forbidden, Invalid, NotFound
from gtvision.events import HoldLifted, HoldPlaced
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock, isoformat
from streaming.retention.domain import Hold

if TYPE_CHECKING:
    from streaming.retention.repository import PostgresHeld, PostgresHolds

FindCamera = Callable[[Caller, UUID], Awaitable[object]]
"""Raises: NotFound, for a camera that never was, or that the caller may not see."""
VisibleCameras = Callable[[Caller], Awaitable[Collection[UUID]]]
"""The cameras of the caller's groups."""


class HoldEnded(Conflict):
    """The hold was lifted before, or has run out."""

    code: ClassVar[str] = "hold_ended"


@dataclass(frozen=True, slots=True)
class HoldDraft:
    """A hold as it is asked for."""

    camera_id: UUID | None
    since: datetime
    until: datetime
    reason: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class HoldsQuery:
    """Which holds; `before` is where the last page ended."""

    active: bool | None
    before: tuple[datetime, UUID] | None
    limit: int


class Holds:
    """What recordings stay, whatever retention, quota and disk say."""

    def __init__(
        self,
        uow: UowFactory,
        repository: Callable[[UnitOfWork], PostgresHolds],
        clock: Clock,
        *,
        find_camera: FindCamera,
        visible: VisibleCameras,
    ) -> None:
        self._uow, self._repository, self._clock = uow, repository, clock
        self._find_camera, self._visible = find_camera, visible

    async def place(self, caller: Caller, draft: HoldDraft, once: Once | None = None) -> Hold:
        """Once this returns, nothing that the hold covers is deleted any more: the recorder agent deletes under the same lock.

        Raises: NotFound, for a camera that never was; Invalid; Forbidden; Unavailable; what `claim` raises.
        """
        now = self._clock.now()
        if draft.until <= draft.since:
            raise Invalid("`to` must be after `from`.")
        if draft.expires_at is not None and draft.expires_at <= now:
            raise Invalid("`until` must lie in the future.")
        await self._check_may_change(caller, draft.camera_id)
        hold = Hold(
            hold_id=new_id(),
            tenant_id=caller.tenant_id,
            camera_id=draft.camera_id,
            since=draft.since,
            until=draft.until,
            reason=draft.reason,
            placed_by=caller.user_id,
            placed_at=now,
            expires_at=draft.expires_at,
        )
        async with self._uow(caller.tenant_id) as uow:
            holds = self._repository(uow)
            earlier = await claim(uow, caller, once, hold.hold_id, now)
            if earlier is not None:
                return await self._made(holds, earlier)
            await holds.lock()
            await holds.add(hold)
            uow.emit(HoldPlaced.model_validate(_announced(hold)), camera_id=hold.camera_id)
            record(uow, Action.HOLD_PLACED, caller, _entry(hold, reason=hold.reason))
        return hold

    async def list(self, caller: Caller, query: HoldsQuery) -> list[Hold]:
        """Newest first; those of cameras that the caller may see, and those of all cameras."""
        cameras = None if caller.camera_groups is None else await self._visible(caller)
        active_at = None if query.active is None else (query.active, self._clock.now())
        async with self._uow(caller.tenant_id) as uow:
            return await self._repository(uow).page(cameras, active_at, query.before, query.limit)

    async def show(self, caller: Caller, hold_id: UUID) -> Hold:
        """Raises: NotFound, also for one of a camera that the caller may not see."""
        async with self._uow(caller.tenant_id) as uow:
            hold = await self._repository(uow).get(hold_id)
        if hold is None:
            raise NotFound("There is no such hold.")
        if hold.camera_id is not None:
            await self._find_camera(caller, hold.camera_id)
        return hold

    async def lift(self, caller: Caller, hold_id: UUID, reason: str) -> Hold:
        """What only this hold kept goes with the next look at the recordings. Raises: NotFound, HoldEnded, Forbidden."""
        shown = await self.show(caller, hold_id)
        await self._check_may_change(caller, shown.camera_id)
        async with self._uow(caller.tenant_id) as uow:
            return await _lift(uow, self._repository(uow), hold_id, reason, caller, self._clock.now())

    async def _check_may_change(self, caller: Caller, camera_id: UUID | None) -> None:
        if camera_id is not None:
            await self._find_camera(caller, camera_id)
        elif caller.camera_groups is not None:
            raise Forbidden("A hold of all cameras is for those who may see all of them.")

    async def _made(self, holds: PostgresHolds, hold_id: UUID) -> Hold:
        hold = await holds.get(hold_id)
        if hold is None:
            raise Gone
        return hold


class HoldsOfCities:
    """The holds of all cities, for those who operate the installation: a city that was deleted has nobody else who could lift them."""

    def __init__(self, uow: UowFactory, repository: Callable[[UnitOfWork], PostgresHolds], held: PostgresHeld, clock: Clock) -> None:
        self._uow, self._repository, self._held, self._clock = uow, repository, held, clock

    async def active(self) -> list[Hold]:
        """City by city, newest first. Raises: Unavailable."""
        now = self._clock.now()
        found: list[Hold] = []
        for tenant_id in sorted({each.tenant_id for each in await self._held.all(now)}):
            async with self._uow(tenant_id) as uow:
                found += await self._repository(uow).page(None, (True, now))
        return found

    async def lift(self, hold_id: UUID, reason: str) -> Hold:
        """On record in the city's ledger, without a person. Raises: NotFound, for one that is not active; Unavailable."""
        hold = next((each for each in await self.active() if each.hold_id == hold_id), None)
        if hold is None:
            raise NotFound("There is no such hold, or it has ended.")
        async with self._uow(hold.tenant_id) as uow:
            return await _lift(uow, self._repository(uow), hold_id, reason, None, self._clock.now())


async def _lift(uow: UnitOfWork, holds: PostgresHolds, hold_id: UUID, reason: str, caller: Caller | None, now: datetime) -> Hold:
    """Raises: HoldEnded."""
    hold = await holds.get(hold_id, lock=True)
    if hold is None or not hold.is_active(now):
        raise HoldEnded
    lifted = replace(hold, lifted_by=caller.user_id if caller else None, lifted_at=now, lift_reason=reason)
    await holds.save_lift(lifted)
    uow.emit(HoldLifted.model_validate(_announced(lifted) | {"lifted_at": now}), camera_id=hold.camera_id)
    record(uow, Action.HOLD_LIFTED, caller, _entry(lifted, reason=reason))
    return lifted


def _announced(hold: Hold) -> dict[str, object]:
    span = {"range_from": hold.since, "range_to": hold.until, "until": hold.expires_at}
    return {"hold_id": hold.hold_id, "camera_id": hold.camera_id, **span}


def _entry(hold: Hold, **details: object) -> AuditEntry:
    until = {"until": isoformat(hold.expires_at)} if hold.expires_at else {}
    return AuditEntry("hold", hold.hold_id, hold.camera_id, hold.since, hold.until, details | until)
