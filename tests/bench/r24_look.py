"""R24: what looks at a full disk take of a core; R24b: the first look; R24c: how long the event loop stands still; R24d: bytes of a file.

The agent is the one that the stack runs, in this process, on real servers. Eight cameras were recorded for as long as `LOOK_BENCH_FILES`
files of a minute last (1,036,800 are ninety days), each a sparse file of 15 MB with a thumbnail, and all are in the index. A figure of a
round is of twelve seconds, four looks, in which all cameras are written to and one or two begin another file. The agent does all else too
that agents do.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop
from pydantic import SecretStr
from sqlalchemy import make_url
from tests.bench import load
from tests.bench.r21_playback import cpu_s
from tests.bench.r23_timeline import _CAMERAS
from tests.bench.running_services import RunningServices, running_services

import streaming
from chassis.settings import DatabaseSettings, ObjectsSettings, RabbitSettings, RedisSettings
from gtvision.camera import path_name
from gtvision.ids import new_id
from gtvision.time import SystemClock
from streaming.app import create_agent
from streaming.settings import AgentSettings, RecordingSettings

FILES = int(os.environ.get("LOOK_BENCH_FILES", "100000"))
CAMERAS = 8
SIZE = 15_000_000
WINDOW_S = 12.0
FIRST_LOOK_S = 900
MINUTE = timedelta(minutes=1)

_SEGMENTS = """
    INSERT INTO streaming.segments
        (tenant_id, started_at, segment_id, camera_id, path, ended_at, size_bytes, sha256, previous, chain)
    SELECT $1, at, gen_random_uuid(), camera, 'cam_' || camera || to_char(at AT TIME ZONE 'UTC', '/YYYY-MM-DD_HH24-MI-SS-US".mp4"'),
           at + interval '60 s', $5, repeat('a1', 32), repeat('b2', 32), repeat('c3', 32)
    FROM generate_series($3::timestamptz, $4::timestamptz, interval '1 min') AS at, unnest($2::uuid[]) AS camera
"""


def measure(rounds: int = 7) -> dict[str, object]:
    """Lays the files, fills the index, starts the servers, measures, and removes all of it."""
    return uvloop.run(_measure(max(rounds, 7)))


async def _measure(rounds: int) -> dict[str, object]:
    cameras = [new_id() for _ in range(CAMERAS)]
    each = max(60, FILES // CAMERAS)
    newest = SystemClock().now().replace(second=0, microsecond=0) - MINUTE
    first = newest - (each - 1) * MINUTE
    async with running_services() as running:
        folder = running.servers.make_folder("r24")
        empty = await _agents_share(running, [], folder / "empty", first, newest, rounds)
        full = await _agents_share(running, cameras, folder / "full", first, newest, rounds)
        await asyncio.to_thread(shutil.rmtree, folder)
    idle = statistics.median(empty.shares)
    detail = f"{CAMERAS} cameras, {each * CAMERAS:,} files; an agent with an empty disk takes {idle:.1f} %"
    more = {"better": "lower", "detail": detail}
    memory = (full.rss - empty.rss) / (each * CAMERAS)
    return {
        "id": "R24",
        "job": f"an agent beside {each * CAMERAS:,} files: share of a core, %",
        **more,
        **load.spread(full.shares, 1),
        **load.bars(10.0, 5.0, 2.0, rounds),
        "also": [
            {"id": "R24b", "job": "the first look, s", **more, **load.spread([full.first_s], 1), **load.bars(120.0, 60.0, 30.0, 1)},
            {
                "id": "R24c",
                "job": "event loop stands still, ms",
                **more,
                **load.spread(full.still_ms, 0),
                **load.bars(250.0, 100.0, 50.0, rounds),
            },
            {"id": "R24d", "job": "memory of a file, bytes", **more, **load.spread([memory], 0), **load.bars(500.0, 200.0, 100.0, 1)},
        ],
    }


class Taken:
    """What was measured of one agent."""

    def __init__(self) -> None:
        self.first_s, self.rss = 0.0, 0
        self.shares: list[float] = []
        self.still_ms: list[float] = []
        """The longest of the first look, and of each round."""


async def _agents_share(
    running: RunningServices, cameras: Sequence[UUID], folder: Path, first: datetime, newest: datetime, rounds: int
) -> Taken:
    tenant, taken = new_id(), Taken()
    folder.mkdir(parents=True)
    database = await running.databases.clone("streaming", streaming)
    superuser = await running.servers.postgres.connect(str(make_url(database.url.get_secret_value()).database))
    try:
        await asyncio.to_thread(_lay, folder, cameras, first, newest)
        await _fill(superuser, tenant, cameras, first, newest)
        before = _rss()
        began = time.monotonic()
        async with _agent(running, database, folder) as still, _recording(folder, cameras, newest):
            await _first_look(superuser, bool(cameras))
            taken.first_s = time.monotonic() - began
            taken.still_ms.append(still() * 1_000)
            for _ in range(rounds):
                cpu, at = cpu_s([os.getpid()]), time.monotonic()
                await asyncio.sleep(WINDOW_S)
                taken.shares.append((cpu_s([os.getpid()]) - cpu) / (time.monotonic() - at) * 100)
                taken.still_ms.append(still() * 1_000)
            taken.rss = _rss() - before
    finally:
        await superuser.close()
    return taken


@asynccontextmanager
async def _agent(running: RunningServices, database: DatabaseSettings, folder: Path) -> AsyncIterator[Any]:
    """Runs an agent. Yields what tells the longest time, in seconds, for which the loop stood still since it was asked last."""
    servers = running.servers
    environment = {"RECORDINGS_PATH": folder, "RECORDINGS_FREE_FLOOR": 0, "RECORDINGS_MAX_GB": 1_000_000}
    agent = create_agent(
        AgentSettings(
            service_name="streaming",
            http_host="127.0.0.1",
            db=database,
            rabbit=RabbitSettings(url=SecretStr(servers.rabbitmq.url())),
            redis=RedisSettings(cache_url=SecretStr(servers.redis_cache.url), state_url=SecretStr(servers.redis_state.url)),
            recording=RecordingSettings.model_validate(environment),
            objects=ObjectsSettings(url=servers.make_folder(servers.next_name("objects")).as_uri()),
        )
    )
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            at = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - at - 0.01)

    def still() -> float:
        nonlocal longest
        found, longest = longest, 0.0
        return found

    async with agent.started():
        task = asyncio.create_task(tick())
        try:
            yield still
        finally:
            task.cancel()


@asynccontextmanager
async def _recording(folder: Path, cameras: Sequence[UUID], newest: datetime) -> AsyncIterator[None]:
    """Writes to each camera's newest file every second, and goes on to a new one in turn, so that each has one a minute."""

    async def record() -> None:
        growing = {camera: _path(folder, camera, newest) for camera in cameras}
        for second in itertools.count():
            if second % (60 // CAMERAS) == 0:
                camera = cameras[second // (60 // CAMERAS) % len(cameras)]
                growing[camera] = _path(folder, camera, SystemClock().now())
            for path in growing.values():
                with path.open("ab") as file:
                    file.write(b"x")
            await asyncio.sleep(1)

    task = asyncio.create_task(record()) if cameras else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()


async def _first_look(superuser: Any, is_full: bool) -> None:
    """Until the agent has written down what the cameras take, at the end of its first look."""
    async with asyncio.timeout(FIRST_LOOK_S):
        while is_full and not await superuser.fetchval("SELECT count(*) FROM streaming.recording_room"):
            await asyncio.sleep(0.1)


def _path(folder: Path, camera: UUID, at: datetime) -> Path:
    return folder / path_name(camera) / f"{at:%Y-%m-%d_%H-%M-%S-%f}.mp4"


def _lay(folder: Path, cameras: Sequence[UUID], first: datetime, newest: datetime) -> None:
    for camera in cameras:
        (folder / path_name(camera)).mkdir()
        for number in range((newest - first) // MINUTE + 1):
            at = first + number * MINUTE
            path = _path(folder, camera, at)
            with path.open("wb") as file:
                file.truncate(SIZE)
            written = (at + MINUTE).timestamp()
            os.utime(path, (written, written))
            path.with_suffix(".jpg").touch()


async def _fill(superuser: Any, tenant: UUID, cameras: Sequence[UUID], first: datetime, newest: datetime) -> None:
    await superuser.execute("SET synchronous_commit = off")
    await superuser.execute(_CAMERAS, tenant, cameras)
    days = (newest.date() - first.date()).days + 2
    await superuser.fetchval("SELECT streaming.make_segments_partitions($1, $2)", first.date(), days)
    step = timedelta(days=1)
    for day in range(days):
        since, until = first + day * step, min(first + (day + 1) * step - MINUTE, newest - MINUTE)
        await superuser.execute(_SEGMENTS, tenant, cameras, since, until, SIZE, timeout=600)
    await superuser.execute("VACUUM (ANALYZE) streaming.segments", timeout=1_800)


def _rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(measure())
