"""Fixtures: the alerts service on real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.alerts.telling import Telling
from tests.chassis.waiting import all_listen
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.tokens import TokenMint, encryption_keys

from alerts.alerts.fakes import FakeNotifier
from alerts.alerts.repository import PostgresAlerts, camera_copy
from alerts.alerts.usecases import Alerts
from alerts.app import create_api
from alerts.conditions.consumers import ConditionEvents
from alerts.conditions.repository import PostgresConditions
from alerts.conditions.usecases import CameraConditions, Installation, RecordingConditions
from alerts.maintenance.repository import PostgresMaintenance
from alerts.maintenance.usecases import Maintenance
from alerts.settings import ApiSettings, NotifySettings
from alerts.sightings.consumers import SightingEvents
from alerts.sightings.usecases import Sightings
from alerts.watchlists.repository import PostgresWatchlists
from chassis.bus import Bus
from chassis.db import Database
from chassis.envelope import wrap
from chassis.fakes import FakeLive
from chassis.redis import connect_redis
from chassis.service import Service
from chassis.settings import DatabaseSettings, ObjectsSettings, RabbitSettings, RedisSettings, VaultSettings
from city.cameras import CameraEvents
from city.tenants import TenantDirectory
from gtvision.camera import ObjectClass
from gtvision.detection import DetectedObject, PlateCandidate
from gtvision.events import CameraRegistered, DetectionsStored, GapCause, RecordingStopped, StoredDetection
from gtvision.geometry import Box
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import Clock, SystemClock

API = "http://alerts/api/v1"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def seen(plate: str | None = "ABC1234", confidence: float = 0.9) -> StoredDetection:
    """Returns a detection of a car by a new camera."""
    read = PlateCandidate(text=plate, confidence=confidence) if plate else None
    thing = DetectedObject(object_class=ObjectClass.CAR, confidence=0.8, box=Box(x1=0, y1=0, x2=1, y2=1), plate=read)
    return StoredDetection(detection_id=new_id(), camera_id=new_id(), captured_at=NOW, object=thing)


@dataclass
class Running:
    service: Service
    http: httpx.AsyncClient
    mint: TokenMint
    cameras: CameraEvents
    bus: Bus
    db: Database
    sightings: SightingEvents
    conditions: ConditionEvents
    """The service's event handlers, called directly to deliver an event several times."""
    alerts_of_sources: Alerts
    notifier: FakeNotifier

    def tenant(self, role: Role = Role.ADMIN) -> Caller:
        """Returns a caller of a new tenant."""
        return self.mint.caller(role, tenant_id=new_id())

    async def send(self, caller: Caller, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(method, f"{API}{path}", headers=self.mint.headers(caller), **more)

    async def watchlist(self, caller: Caller, name: str | None = None, severity: str = "critical") -> str:
        made = await self.send(caller, "POST", "/watchlists", json={"name": name or f"Lista {new_id()}", "severity": severity})
        assert made.status_code == 201, made.text
        return str(made.json()["watchlist_id"])

    async def watch(self, caller: Caller, plate: str, name: str | None = None, severity: str = "critical") -> dict[str, str]:
        """Adds a plate to a new watchlist and returns its entry."""
        path = f"/watchlists/{await self.watchlist(caller, name, severity)}/entries"
        entry = await self.send(caller, "POST", path, json={"plate": plate, "reason": "furto"})
        assert entry.status_code == 201, entry.text
        result: dict[str, str] = entry.json()
        return result

    async def store(self, tenant: UUID, *sightings: StoredDetection, times: int = 2) -> None:
        """Delivers an event of stored detections, twice unless told otherwise, as the broker may."""
        event = wrap(DetectionsStored(detections=sightings), tenant_id=tenant, occurred_at=SystemClock().now())
        for _ in range(times):
            await self.sightings.on_detections_stored(event)

    async def stop_recording(self, tenant: UUID, camera_id: UUID, since: datetime, cause: GapCause = GapCause.UNKNOWN) -> None:
        """Delivers the event of a recording that stopped twice, as the broker may."""
        event = wrap(RecordingStopped(camera_id=camera_id, since=since, cause=cause), tenant_id=tenant, occurred_at=since)
        for _ in range(2):
            await self.conditions.on_recording_stopped(event)

    async def register(self, tenant: UUID, camera_id: UUID, *groups: UUID) -> None:
        """Tells the service of a camera in these groups."""
        data = CameraRegistered(camera_id=camera_id, revision=1, name="Portão", url_encrypted="x", groups=groups)
        await self.cameras.on_camera_registered(wrap(data, tenant_id=tenant, occurred_at=SystemClock().now()))

    async def alerts(self, caller: Caller, **params: Any) -> list[dict[str, object]]:
        answer = await self.send(caller, "GET", "/alerts", params=params)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, object]] = answer.json()["items"]
        return items


def condition_events(db: Database, alerts: Alerts, clock: Clock) -> ConditionEvents:
    """Returns the handlers of conditions on real tables."""
    maintenance = Maintenance(db.uow, PostgresMaintenance, clock)
    of_cameras = db.uow, PostgresConditions, PostgresAlerts, alerts, maintenance
    cameras = CameraConditions(*of_cameras, FakeLive(), clock, timedelta(seconds=8))
    installation = Installation(db.uow, PostgresConditions, alerts, maintenance, clock, lambda _: None)
    return ConditionEvents(cameras, RecordingConditions(*of_cameras, clock), installation)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(
    database_for: DatabaseFor, rabbitmq: RabbitSettings, redis_state: RedisSettings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    mint = TokenMint()
    redis = connect_redis(redis_state.state_url)
    await mint.publish(redis)
    settings = ApiSettings(
        service_name="alerts",
        db=await database_for("alerts"),
        rabbit=rabbitmq,
        redis=redis_state,
        vault=VaultSettings(keys=SecretStr(encryption_keys())),
        objects=ObjectsSettings(url=tmp_path_factory.mktemp("objects").as_uri()),
        notify=NotifySettings(allow_loopback=True, allow_http=True),
        public_url="https://video.cidade.example",
    )
    service = create_api(settings)
    transport = httpx.ASGITransport(app=service.api, client=("203.0.113.9", 4711))
    clock = SystemClock()
    db = Database(settings.db, clock)
    bus = Bus(rabbitmq, "test", clock)
    async with db, bus, service.started(), httpx.AsyncClient(transport=transport, base_url="http://alerts") as http:
        notifier = FakeNotifier()
        alerts = Alerts(db.uow, PostgresAlerts, clock, FakeLive(), notifier)
        sightings = Sightings(db.uow, PostgresWatchlists, PostgresAlerts, alerts, TenantDirectory(redis), settings.rules.sighting)
        conditions = condition_events(db, alerts, clock)
        await all_listen(service, bus)
        events = SightingEvents(sightings), conditions
        yield Running(service, http, mint, CameraEvents(db.uow, camera_copy), bus, db, *events, alerts, notifier)
    await redis.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def telling_database(database_for: DatabaseFor) -> DatabaseSettings:
    return await database_for("alerts")


@pytest_asyncio.fixture(loop_scope="session")
async def telling(telling_database: DatabaseSettings) -> AsyncIterator[Telling]:
    """A new city, with all that tells it of its alerts."""
    made = Telling(telling_database)
    async with made.db:
        yield made
