"""Fixtures: servers that speak S3, and a recorder agent with an archive."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import Uuid, bindparam, text
from tests.city.trusting import trusting
from tests.streaming.buckets import BUCKET, BucketServer, bucket_server, on_s3, s3_client
from tests.streaming.conftest import Running, announce, registered

from city.trusted_time import TrustedNow
from gtvision.camera import RecordingSettings, path_name
from gtvision.ids import new_id
from gtvision.tenancy import TenantSettings
from gtvision.time import FakeClock, SystemClock
from streaming.archive.repository import PostgresCopies, PostgresRestores
from streaming.archive.usecases import Copying, CopyUpkeep, Restoring
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.gateways.s3_archive import S3Archive
from streaming.recorder.usecases import Recorder
from streaming.recordings.repository import PostgresIndex, PostgresSegments
from streaming.retention.domain import Limits, Spared
from streaming.retention.repository import PostgresHeld, PostgresHolds
from streaming.retention.usecases import Retention
from streaming.streams.repository import PostgresFleet
from streaming.tombstones.repository import PostgresTombstones


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    with bucket_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def cold_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    with bucket_server(tmp_path_factory.mktemp("s3"), cold=True) as server:
        yield server


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of two seconds of fragmented MP4, as a media server records."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=15:duration=2"]
    flags = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-bf", "0", "-movflags", "frag_keyframe+empty_moov", str(path)]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *flags], check=True)
    return path


class Site:
    """A recorder agent whose camera is marked, with a folder and an archive of its own."""

    def __init__(self, running: Running, store: BucketServer, folder: Path, storage_class: str) -> None:
        self.running, self.store, self.folder, self.clock = running, store, folder, FakeClock(SystemClock().now())
        self.tenant, self.camera, self.storage_class = new_id(), new_id(), storage_class
        self.revision = 0
        self.max_bytes = 10**12
        self.settings: dict[UUID, TenantSettings] = {}
        self.trusted_now: TrustedNow = trusting(self.clock)
        self.archives: list[S3Archive] = []
        self.restart()

    def restart(self) -> None:
        """Makes a new agent, without what was in memory, as after a crash."""
        db = self.running.db
        self.files = RecordingsFolder(self.folder)
        self.archive = self.archive_at(self.store.url)
        self.copying = Copying(db.uow, PostgresCopies, self.files, self.archive, self.clock)
        self.upkeep = CopyUpkeep(
            *(db.uow, PostgresCopies, PostgresHolds, PostgresTombstones, self.files, self.archive),
            settings=self.settings.get,
            trusted_now=self.trusted_now,
        )
        self.restoring = Restoring(
            *(db.uow, PostgresCopies, PostgresRestores, PostgresSegments, PostgresIndex(db), PostgresTombstones),
            files=self.files,
            archive=self.archive,
            clock=self.clock,
            trusted_now=self.trusted_now,
            free_floor=0.0,
        )
        limits, spared = Limits(self.max_bytes, 0.0), Spared(self.copying.awaits, self.restoring.keeps, self.restoring.brought_back)
        parts = PostgresSegments, PostgresHolds, PostgresTombstones, PostgresHeld(db), self.files
        retention = Retention(
            *(db.uow, *parts),
            trusted_now=self.trusted_now,
            limits=limits,
            settings=self.settings.get,
            spared=spared,
            went=self.restoring.went,
        )
        self.recorder = Recorder(
            db.uow,
            PostgresSegments,
            PostgresFleet(db),
            PostgresIndex(db),
            self.files,
            clock=self.clock,
            idle_after=timedelta(seconds=20),
            followers=[self.copying.follow, self.upkeep.follow, self.restoring.follow, retention.follow],
        )

    def archive_at(self, address: str) -> S3Archive:
        self.archives.append(S3Archive(on_s3(address), SystemClock(), storage_class=self.storage_class))
        return self.archives[-1]

    async def aclose(self) -> None:
        for archive in self.archives:
            await archive.aclose()

    async def mark(self, **recording: Any) -> None:
        self.revision += 1
        settings = RecordingSettings(**{"offsite": True, **recording})
        await announce(self.running, registered(self.running, self.tenant, self.camera, self.revision, recording=settings))

    def record(self, film: Path, minute: int) -> Path:
        start = self.clock.now().replace(microsecond=250_000) - timedelta(minutes=30 - minute)
        path = self.folder / path_name(self.camera) / f"{start:%Y-%m-%d_%H-%M-%S-%f}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(film.read_bytes() + b"\x00\x00\x00\x0cfree" + minute.to_bytes(4, "big"))  # no two files are alike
        written = (start + timedelta(seconds=2)).timestamp()
        os.utime(path, (written, written))
        return path

    async def look(self) -> None:
        """A look at the folder, and a turn of the loop that copies, as the agent takes them."""
        await self.recorder.keep_index()
        self.clock.advance(11)
        await self.copying.copy_some()

    async def turn(self) -> None:
        """A look at the folder, and a turn of the loop that brings back."""
        await self.recorder.keep_index()
        self.clock.advance(timedelta(minutes=6))
        await self.restoring.bring_back()

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        mint = self.running.mint
        return await self.running.http.post(path, json=body, headers=mint.headers(mint.caller(tenant_id=self.tenant)) | headers)

    async def get(self, path: str, **params: str) -> httpx.Response:
        mint = self.running.mint
        return await self.running.http.get(path, params=params, headers=mint.headers(mint.caller(tenant_id=self.tenant)))

    async def stored(self, key: str) -> dict[str, Any] | None:
        """What the bucket has under a key, read past everything of ours; None: nothing."""

        def read() -> dict[str, Any] | None:
            client = s3_client(self.store.url)
            try:
                found: dict[str, Any] = client.get_object(Bucket=BUCKET, Key=f"city/{key}")
            except client.exceptions.NoSuchKey:
                return None
            return found | {"Body": found["Body"].read()}

        return await asyncio.to_thread(read)

    async def tamper(self, key: str, data: bytes) -> None:
        """Puts something else in the place of an object, under the hash that it has."""

        def write() -> None:
            client = s3_client(self.store.url)
            kept = client.head_object(Bucket=BUCKET, Key=f"city/{key}")["Metadata"]
            client.put_object(Bucket=BUCKET, Key=f"city/{key}", Body=data, Metadata=kept)

        await asyncio.to_thread(write)

    async def copies(self) -> list[dict[str, Any]]:
        """The rows of copies, oldest first."""
        return await self.rows("SELECT * FROM copies WHERE tenant_id = :tenant ORDER BY started_at")

    async def segments(self) -> list[dict[str, Any]]:
        return await self.rows("SELECT * FROM segments WHERE tenant_id = :tenant ORDER BY started_at")

    async def rows(self, query: str) -> list[dict[str, Any]]:
        async with self.running.db.uow(self.tenant) as uow:
            found = await uow.session.execute(text(query).bindparams(bindparam("tenant", type_=Uuid())), {"tenant": self.tenant})
            return [dict(row) for row in found.mappings()]


@pytest_asyncio.fixture(loop_scope="session")
async def cold_site(running: Running, cold_store: BucketServer, tmp_path: Path) -> AsyncIterator[Site]:
    """A site whose copies go to cold storage."""
    made = Site(running, cold_store, tmp_path, "GLACIER")
    await made.mark()
    yield made
    await made.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def site(running: Running, store: BucketServer, tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(running, store, tmp_path, "STANDARD")
    await made.mark()
    yield made
    await made.aclose()


def named(path: Path) -> datetime:
    return datetime.strptime(path.stem + "+0000", "%Y-%m-%d_%H-%M-%S-%f%z")
