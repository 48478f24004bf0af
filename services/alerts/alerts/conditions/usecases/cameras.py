"""Cameras that are lost and that come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from alerts import metrics
from alerts.alerts.domain import KnownCamera
from alerts.conditions.domain import (
    CAMERA_LOST,
    CAMERAS_LOST,
    CITY,
    JOINS_WITHIN,
    TOGETHER,
    UNNAMED,
    CameraCondition,
    Outage,
    are_many,
    city_loss,
    outage_loss,
    single_loss,
)
from alerts.maintenance.domain import muted_until
from chassis.db import UnitOfWork, UowFactory
from chassis.live import LivePublisher
from chassis.logs import get_logger
from gtvision.events import Envelope, StreamCause
from gtvision.time import Clock, isoformat

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.alerts.usecases import Alerts
    from alerts.conditions.repository import PostgresConditions
    from alerts.maintenance.usecases import Maintenance

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CameraConditions:
    """Turns lost cameras into alerts.

    A loss waits for `gather`, in which other losses of the city may come: what was lost together is one alert. A clock runs `tell_due` on
    every replica; the tenant's lock sees to it that one of them tells.
    """

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresConditions]
    cameras: Callable[[UnitOfWork], PostgresAlerts]
    alerts: Alerts
    maintenance: Maintenance
    live: LivePublisher
    clock: Clock
    gather: timedelta

    # --- events ---

    async def lose_camera(self, event: Envelope, camera_id: UUID, revision: int, cause: StreamCause) -> None:
        """Remembers a loss; it is told when the window ends. An older revision, and a repeat, change nothing."""
        async with self.uow(event.tenant_id) as uow:
            known = await self._newer(uow, event, camera_id, revision)
            if known is not None:
                due_at = self.clock.now() + self.gather
                await self.repository(uow).put(known.lost(revision, event.occurred_at, cause, due_at))

    async def regain_camera(self, event: Envelope, camera_id: UUID, revision: int, cause: StreamCause | None = None) -> None:
        """The camera is back, or (DISABLED) nobody wants it any more: it leaves its alert."""
        async with self.uow(event.tenant_id) as uow:
            known = await self._newer(uow, event, camera_id, revision)
            if known is None:
                return
            await self.repository(uow).put(known.back(revision, event.occurred_at, cause))
            if known.is_pending:
                metrics.cameras_reconnected.inc()
                lost_s = round((event.occurred_at - known.since).total_seconds(), 1)
                log.info("camera_reconnected", camera_id=str(camera_id), lost_s=lost_s)
            elif known.is_lost:
                text = "A câmera foi desativada." if cause is StreamCause.DISABLED else "A câmera voltou."
                await self._leave(uow, [known], event.occurred_at, text)

    async def forget_camera(self, event: Envelope, camera_id: UUID) -> None:
        """A camera that was removed leaves its alert. A repeat changes nothing."""
        async with self.uow(event.tenant_id) as uow:
            if await self._is_repeat(uow, event):
                return
            known = await self.repository(uow).camera(camera_id)
            await self._forget(uow, [known] if known else [], event.occurred_at)

    async def keep_cameras(self, event: Envelope, living: Collection[UUID], as_of: datetime) -> None:
        """Lost cameras that are not listed, and that were lost before the list was made, are taken for removed."""
        async with self.uow(event.tenant_id) as uow:
            if not await self._is_repeat(uow, event):
                lost = await self.repository(uow).lost()
                await self._forget(uow, [each for each in lost if each.camera_id not in living and each.since < as_of], event.occurred_at)

    async def forget_city(self, event: Envelope) -> None:
        """A city that left has no conditions any more. A repeat changes nothing."""
        async with self.uow(event.tenant_id) as uow:
            if not await self._is_repeat(uow, event):
                await self.repository(uow).forget_city()

    async def _is_repeat(self, uow: UnitOfWork, event: Envelope) -> bool:
        """Whether the event was handled before; if not, the tenant's conditions are locked."""
        if await uow.seen(f"conditions {event.type}", event.event_id):
            return True
        await self.repository(uow).lock()
        return False

    async def _newer(self, uow: UnitOfWork, event: Envelope, camera_id: UUID, revision: int) -> CameraCondition | None:
        """Returns what is known of the camera; None where the event says nothing new."""
        if await self._is_repeat(uow, event):
            return None
        known = await self.repository(uow).camera(camera_id)
        if known is not None and known.revision >= revision:
            return None
        return known or CameraCondition(camera_id, 0, is_lost=False, since=event.occurred_at)

    # --- clock ---

    async def tell_due(self) -> None:
        """Raises the alerts whose window has ended, and makes louder what lasts."""
        async with self.uow(None) as uow:
            tenants = await self.repository(uow).tenants_due(self.clock.now())
        for tenant_id in tenants:
            async with self.uow(tenant_id) as uow:
                await self._tell(uow)

    async def _tell(self, uow: UnitOfWork) -> None:
        rows, now = self.repository(uow), self.clock.now()
        await rows.lock()
        lost = await rows.lost()
        if not any(each.is_due(now) for each in lost):
            return  # another replica was here
        named = await self._named(uow, lost)
        removed = [each for each in lost if named.get(each.camera_id, UNNAMED).removed]
        await self._forget(uow, removed, now)
        lost = [each for each in lost if each not in removed]
        subjects: set[str] = set()
        for camera in lost:
            if camera.subject is not None and camera.is_due(now):
                await rows.put(camera.told(camera.subject, camera.muted_until, now))
                subjects.add(camera.subject)
        fresh = [each for each in lost if each.is_pending]
        if any(each.is_due(now) for each in fresh):
            subjects |= await self._gather(uow, fresh, named, now)
        await self._raise(uow, subjects, now)
        await self._judge_city(uow, now)

    async def _gather(
        self, uow: UnitOfWork, fresh: Sequence[CameraCondition], named: Mapping[UUID, KnownCamera], now: datetime
    ) -> set[str]:
        """Gives each loss its alert, and returns the alerts. Planned work is kept apart: it must not silence what is not planned."""
        rows = self.repository(uow)
        parts: defaultdict[datetime | None, list[CameraCondition]] = defaultdict(list)
        planned = await self.maintenance.planned(uow, now)
        for camera in fresh:
            parts[muted_until(planned, camera.camera_id, named.get(camera.camera_id, UNNAMED).groups, now)].append(camera)
        outages = await rows.outages()
        subjects: set[str] = set()
        for muted, cameras in parts.items():
            growing = [each for each in outages if not each.ended_at and each.muted_until == muted and now - each.grown_at < JOINS_WITHIN]
            outage = growing[-1] if growing else None
            if outage is None and len(cameras) >= TOGETHER:
                again = next((each for each in outages if each.is_again(cameras, now)), None)
                outage = again.begin_again(muted) if again else Outage(f"{cameras[0].camera_id} {isoformat(now)}", (), now, muted)
            if outage is not None:
                await rows.put_outage(outage.grow(cameras, now))
            for camera in cameras:
                subject = outage.subject if outage else str(camera.camera_id)
                await rows.put(camera.told(subject, muted, now))
                subjects.add(subject)
        return subjects

    async def _raise(self, uow: UnitOfWork, subjects: Iterable[str], now: datetime) -> None:
        lost = await self.repository(uow).lost()
        named, total = await self._named(uow, lost), await self._count(uow)
        outages = {each.subject: each for each in await self.repository(uow).outages()}
        for subject in sorted(subjects):
            cameras = [each for each in lost if each.subject == subject]
            if subject in outages:
                await self.alerts.raise_alert(uow, outage_loss(outages[subject], cameras, named, total, now))
            elif cameras:
                await self.alerts.raise_alert(uow, single_loss(cameras[0], named.get(cameras[0].camera_id, UNNAMED), now))

    # --- both ---

    async def _judge_city(self, uow: UnitOfWork, now: datetime) -> None:
        """Many cameras that were lost one by one are an alert of the city, unless an outage says the same."""
        rows, total = self.repository(uow), await self._count(uow)
        lost = [each for each in await rows.lost() if each.subject is not None]
        told = [each for each in lost if not each.is_muted(now)]
        largest = max((sum(each.subject == outage.subject for each in told) for outage in await rows.outages()), default=0)
        if are_many(len(told), total) and not are_many(largest, total):
            await self.alerts.raise_alert(uow, city_loss(told, await self._named(uow, told), total, now))
        elif await self.alerts.find_open(uow, CAMERAS_LOST, CITY):
            await self.alerts.resolve_alert(uow, CAMERAS_LOST, CITY, now)
        tenant_id, message = uow.tenant_id, {"kind": "cameras", "lost": len(lost), "total": total}
        if tenant_id is not None:
            uow.after_commit(lambda: self.live.publish(tenant_id, "system", message))

    async def _forget(self, uow: UnitOfWork, cameras: Sequence[CameraCondition], at: datetime) -> None:
        for camera in cameras:
            await self.repository(uow).forget_camera(camera.camera_id)
        await self._leave(uow, cameras, at, "A câmera foi removida.")

    async def _leave(self, uow: UnitOfWork, cameras: Sequence[CameraCondition], at: datetime, text: str) -> None:
        """Cameras that are no longer lost leave their alerts; the last one ends it."""
        subjects = {each.subject for each in cameras if each.subject is not None}
        if not subjects:
            return
        rows, now = self.repository(uow), self.clock.now()
        lost, outages = await rows.lost(), {each.subject: each for each in await rows.outages()}
        for subject in sorted(subjects):
            left = [each for each in lost if each.subject == subject]
            if (outage := outages.get(subject)) is not None:
                shown = outage_loss(outage, left, await self._named(uow, left), await self._count(uow), now)
                details = shown.details if left else {}
                await self.alerts.amend_alert(uow, CAMERA_LOST, subject, title=shown.title, camera_ids=shown.camera_ids, details=details)
            if not left:
                await self.alerts.resolve_alert(uow, CAMERA_LOST, subject, at, "Todas voltaram." if outage else text)
                if outage is not None:
                    await rows.end_outage(outage, now)
        await self._judge_city(uow, now)

    async def _named(self, uow: UnitOfWork, cameras: Iterable[CameraCondition]) -> Mapping[UUID, KnownCamera]:
        return await self.cameras(uow).cameras([each.camera_id for each in cameras])

    async def _count(self, uow: UnitOfWork) -> int:
        """How many cameras the city has that are to be seen."""
        return await self.cameras(uow).count_cameras() - await self.repository(uow).count_disabled()
