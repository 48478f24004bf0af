"""Fixtures: streaming on real servers, with a fake media server."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.tokens import TokenMint, encryption_keys
from tests.streaming.buckets import bucket_server

from chassis.db import Database, UnitOfWork
from chassis.envelope import wrap
from chassis.redis import connect_redis
from chassis.service import Service
from chassis.settings import ObjectsSettings, RabbitSettings, RedisSettings, VaultSettings
from chassis.vault import Vault
from city.cameras import CameraEvents
from gtvision.addresses import AddressPolicy
from gtvision.events import CameraRegistered, Event
from gtvision.time import FakeClock, SystemClock
from streaming.app import create_api
from streaming.archive.repository import PostgresCopies
from streaming.live.usecases import Authorizer
from streaming.names.fakes import FakeCertificates, FakeNames
from streaming.names.usecases import CameraNames
from streaming.settings import ApiSettings, MediaSettings
from streaming.streams.fakes import FakeMediaServer
from streaming.streams.repository import PostgresFleet, PostgresStreams, camera_copy
from streaming.streams.usecases import Paths, Reconciler, Streams
from streaming.timeline.repository import PostgresInterruptions, PostgresTimeline, PostgresWatches
from streaming.timeline.usecases import StreamInterruptions, TimelineReader, Timelines
from streaming.tombstones.repository import PostgresTombstones

CLOCK = SystemClock()


async def deleted(uow: UnitOfWork, camera: UUID, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    return await PostgresTombstones(uow).spans(camera, since, until)


@dataclass
class Running:
    service: Service
    http: httpx.AsyncClient
    hook: httpx.AsyncClient
    mint: TokenMint
    vault: Vault
    events: CameraEvents
    media: FakeMediaServer
    dns: FakeNames
    names: CameraNames
    reconciler: Reconciler
    clock: FakeClock
    db: Database
    objects: ObjectsSettings

    @property
    def wake(self) -> asyncio.Event:
        """The event that wakes the reconciler."""
        return self.names.changed


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(
    database_for: DatabaseFor, rabbitmq: RabbitSettings, redis_state: RedisSettings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    mint = TokenMint()
    redis = connect_redis(redis_state.state_url)
    await mint.publish(redis)
    keys = SecretStr(encryption_keys())
    database = await database_for("streaming")
    objects = ObjectsSettings(url=tmp_path_factory.mktemp("objects").as_uri())
    settings = ApiSettings(
        service_name="streaming",
        db=database,
        rabbit=rabbitmq,
        redis=redis_state,
        objects=objects,
        vault=VaultSettings(keys=keys),
        media=MediaSettings.model_validate(
            {
                "MEDIAMTX_API_URL": "http://127.0.0.1:1",  # a closed port: the service has to run without its media server
                "MEDIAMTX_RTSP_URL": "rtsp://127.0.0.1:8554",
                "MEDIAMTX_API_PASSWORD": "operator-password",
                "MEDIA_READER_PASSWORD": "reader-password",
            }
        ),
    )
    service = create_api(settings)
    service._loops.pop("reconciler")  # tests have a reconciler with a clock of their own
    db = Database(database, SystemClock())
    media, clock, vault = FakeMediaServer(), FakeClock(SystemClock().now()), Vault(keys)
    authorizer: Authorizer = service.api.state.provided[Authorizer]
    dns = FakeNames()
    names = CameraNames(dns, FakeCertificates(), AddressPolicy(), clock, timedelta(seconds=60))
    streams = Streams(db.uow, PostgresStreams, lambda camera_id: f"rtsp://media/cam_{camera_id}")
    interruptions = StreamInterruptions(db.uow, PostgresInterruptions, PostgresWatches(db), "media-1")
    reconciler = Reconciler(
        PostgresFleet(db),
        media,
        Paths(media, vault, names, clock),
        streams,
        clock=clock,
        stall_after=timedelta(seconds=10),
        listeners=[authorizer.learn],
        watchers=[authorizer.watch],
        followers=[interruptions.follow],
        ailments=interruptions.ailments,
    )
    service.api.state.provided[Timelines] = Timelines(
        db.uow, TimelineReader(PostgresTimeline, clock, deleted), streams, clock, lambda uow, *span: PostgresCopies(uow).spans(*span)
    )
    events = CameraEvents(db.uow, camera_copy, changed=names.changed.set)
    public = httpx.ASGITransport(app=service.api, client=("203.0.113.9", 4711))
    private = httpx.ASGITransport(app=service.private)
    async with (
        db,
        service.started(),
        httpx.AsyncClient(transport=public, base_url="http://streaming/api/v1") as http,
        httpx.AsyncClient(transport=private, base_url="http://streaming") as hook,
    ):
        yield Running(service, http, hook, mint, vault, events, media, dns, names, reconciler, clock, db, objects)
    await redis.aclose()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3 server with a bucket."""
    with bucket_server(tmp_path_factory.mktemp("s3")) as server:
        yield server.url


def registered(running: Running, tenant: UUID, camera: UUID, revision: int = 1, **changes: Any) -> Event[CameraRegistered]:
    url = changes.pop("url", "rtsp://admin:s3cret@10.0.0.9/stream")
    data = CameraRegistered(camera_id=camera, revision=revision, name="Avenida", url_encrypted=running.vault.seal(url), **changes)
    return wrap(data, tenant_id=tenant, occurred_at=CLOCK.now())


async def announce(running: Running, event: Event[CameraRegistered]) -> None:
    """Delivers the event twice, as the broker may."""
    await running.events.on_camera_registered(event)
    await running.events.on_camera_registered(event)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of two seconds of fragmented MP4, as a media server records."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=15:duration=2"]
    flags = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-bf", "0", "-movflags", "frag_keyframe+empty_moov", str(path)]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *flags], check=True)
    return path
