"""Fixtures: a city whose clock is ahead of the service's own, so that only the tests' look at it tells of what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from tests.alerts.conftest import Running

from alerts.alerts.domain import Notice
from alerts.alerts.fakes import FakeNotifier
from alerts.alerts.repository import PostgresAlerts
from alerts.alerts.usecases import Alerts
from alerts.conditions.consumers import ConditionEvents
from alerts.conditions.repository import PostgresConditions
from alerts.conditions.usecases import CameraConditions, Installation, RecordingConditions
from alerts.maintenance.domain import Window
from alerts.maintenance.repository import PostgresMaintenance
from alerts.maintenance.usecases import Maintenance
from chassis.envelope import wrap
from chassis.fakes import FakeLive
from gtvision.events import CameraRegistered, EventData, StreamCause, StreamWentOffline, StreamWentOnline
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import FakeClock

START = datetime(2031, 5, 1, 12, tzinfo=UTC)
GATHER = timedelta(seconds=8)
TOKEN = "segredo-do-alertmanager"


@dataclass
class City:
    """A city with cameras, and what was told of them."""

    running: Running
    caller: Caller
    clock: FakeClock
    notifier: FakeNotifier
    live: FakeLive
    lost: CameraConditions
    events: ConditionEvents
    installation: Installation
    cameras: list[UUID] = field(default_factory=list)
    revisions: dict[UUID, int] = field(default_factory=dict)

    @property
    def tenant_id(self) -> UUID:
        return self.caller.tenant_id

    async def has(self, count: int, *groups: UUID) -> Sequence[UUID]:
        """Registers so many cameras: Câmera 001, ..."""
        new = [new_id() for _ in range(count)]
        for at, camera in enumerate(new, len(self.cameras) + 1):
            data = CameraRegistered(camera_id=camera, revision=1, name=f"Câmera {at:03}", url_encrypted="x", groups=groups)
            await self.running.cameras.on_camera_registered(self.event(data))
        self.cameras += new
        return new

    def event(self, data: EventData) -> Any:
        return wrap(data, tenant_id=self.tenant_id, occurred_at=self.clock.now())

    async def twice(self, handler: Callable[[Any], Awaitable[None]], data: EventData) -> None:
        event = self.event(data)
        for _ in range(2):
            await handler(event)

    def revision(self, camera: UUID) -> int:
        self.revisions[camera] = self.revisions.get(camera, 0) + 1
        return self.revisions[camera]

    async def lose(self, *cameras: UUID, cause: StreamCause = StreamCause.UNREACHABLE) -> None:
        for camera in cameras:
            data = StreamWentOffline(camera_id=camera, revision=self.revision(camera), cause=cause)
            await self.twice(self.events.on_stream_went_offline, data)

    async def regain(self, *cameras: UUID) -> None:
        for camera in cameras:
            data = StreamWentOnline(camera_id=camera, revision=self.revision(camera), read_url="rtsp://x")
            await self.twice(self.events.on_stream_went_online, data)

    async def after(self, seconds: float) -> None:
        """Lets time pass, and has two replicas look at what is due."""
        self.clock.advance(seconds)
        await asyncio.gather(self.lost.tell_due(), self.lost.tell_due())

    async def alerts(self, **params: Any) -> list[dict[str, Any]]:
        """Returns the city's alerts, oldest first."""
        return list(reversed(await self.running.alerts(self.caller, **params)))

    def told(self) -> list[tuple[Notice, str]]:
        return [(notice, alert.title) for notice, alert in self.notifier.noted if alert.tenant_id == self.tenant_id]

    async def plan(self, *, cameras: tuple[UUID, ...] = (), minutes: int = 60) -> None:
        """Plans work that is going on."""
        now = self.clock.now()
        async with self.running.db.uow(self.tenant_id) as uow:
            window = Window(new_id(), self.tenant_id, "Obra", now, now + timedelta(minutes=minutes), cameras, (), now)
            await PostgresMaintenance(uow).add(window)


@pytest_asyncio.fixture(loop_scope="session")
async def city(running: Running) -> City:
    clock, notifier, live, db, caller = FakeClock(START), FakeNotifier(), FakeLive(), running.db, running.tenant()
    alerts = Alerts(db.uow, PostgresAlerts, clock, live, notifier)
    maintenance = Maintenance(db.uow, PostgresMaintenance, clock)
    of_cameras = db.uow, PostgresConditions, PostgresAlerts, alerts, maintenance
    lost = CameraConditions(*of_cameras, live, clock, GATHER)
    of_all = db.uow, PostgresConditions, alerts, maintenance, clock
    installation = Installation(*of_all, lambda label: UUID(label) if label else caller.tenant_id, TOKEN)
    events = ConditionEvents(lost, RecordingConditions(*of_cameras, clock), installation)
    return City(running, caller, clock, notifier, live, lost, events, installation)
