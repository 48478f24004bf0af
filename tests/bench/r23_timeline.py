"""R23: `GET /api/v1/recordings/timeline` of one camera's day, in a full index; R23b: of a month; R23c: of a year by the day.

The service is the process that the stack runs, on PostgreSQL behind PgBouncer. The index holds the files of a minute each of some cameras
over ninety days, in the order in which they were written, with a file missing now and then, and 500 interruptions of the camera that is
asked for. `TIMELINE_BENCH_ROWS` sets its size; 250 cameras are 32,000,000. Requests come one after the other, for days and months at
random; the figure of a round is the 95th percentile.
"""

from __future__ import annotations

import functools
import os
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import uvloop
from tests.bench import load
from tests.bench.running_services import running_services

from gtvision.ids import new_id
from gtvision.time import SystemClock

ROWS = int(os.environ.get("TIMELINE_BENCH_ROWS", "3200000"))
DAYS = 90
ASKED = 20
"""Requests of a round, of each length."""
DAY, MONTH, YEAR = timedelta(days=1), timedelta(days=31), timedelta(days=365)
BARS_MS = {DAY: (100.0, 50.0, 25.0), MONTH: (300.0, 150.0, 75.0), YEAR: (1_000.0, 500.0, 250.0)}
NO_MEDIA_SERVER = {
    "MEDIAMTX_API_URL": "http://127.0.0.1:1",
    "MEDIAMTX_RTSP_URL": "rtsp://127.0.0.1:1",
    "MEDIAMTX_API_PASSWORD": "not-asked",
    "MEDIA_READER_PASSWORD": "not-asked",
}

_CAMERAS = """
    INSERT INTO streaming.cameras
        (tenant_id, camera_id, revision, name, enabled, removed, url_encrypted, groups, recording, announced_at, known_since)
    SELECT $1, camera, 1, 'Avenida', false, false, '', '{}', '{"enabled": true, "retention_days": 90}', now(), now() - interval '1 year'
    FROM unnest($2::uuid[]) AS camera
"""
_SEGMENTS = """
    INSERT INTO streaming.segments
        (tenant_id, started_at, segment_id, camera_id, path, ended_at, size_bytes, sha256, previous, chain)
    SELECT $1, at, gen_random_uuid(), camera, 'cam_' || camera || to_char(at, '/YYYY-MM-DD_HH24-MI-SS-US".mp4"'), at + interval '60 s',
           15000000, repeat('a1', 32), repeat('b2', 32), repeat('c3', 32)
    FROM generate_series($3::timestamptz, $3 + interval '1 day' - interval '1 min', interval '1 min') AS at, unnest($2::uuid[]) AS camera
    WHERE random() > 0.001
"""
_INTERRUPTIONS = """
    INSERT INTO streaming.interruptions (tenant_id, camera_id, started_at, interruption_id, ended_at, cause, detail, source)
    SELECT $1, $2, at, gen_random_uuid(), at + interval '45 s', 'network', 'unreachable', 'stream'
    FROM generate_series($3::timestamptz, $3 + make_interval(days => $4), make_interval(days => $4) / 500) AS at
"""


def measure(rounds: int = 7) -> dict[str, object]:
    """Fills the index, starts the servers, measures, stops the servers."""
    return uvloop.run(_measure(max(rounds, 7)))


async def _measure(rounds: int) -> dict[str, object]:
    cameras = [new_id() for _ in range(max(1, round(ROWS / (DAYS * 1_440))))]
    today = SystemClock().now().replace(hour=0, minute=0, second=0, microsecond=0)
    async with running_services() as running:
        caller = running.mint.caller()
        filled = functools.partial(_fill, caller.tenant_id, cameras, today - DAYS * DAY)
        async with running.service("streaming", filled=filled, more=NO_MEDIA_SERVER) as port:
            base, headers = f"http://127.0.0.1:{port}/api/v1/recordings", {"authorization": f"Bearer {running.mint.token(caller)}"}
            async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=60) as http:
                taken = {
                    length: [load.p95(await _ask(http, cameras[0], today, length)) for _ in range(rounds)] for length in (DAY, MONTH, YEAR)
                }
    detail = f"{len(cameras)} cameras, {len(cameras) * DAYS * 1_440:,} rows; one request at a time"
    day, month, year = (
        {"job": f"{job}, ms", "better": "lower", "detail": detail, **load.spread(taken[length], 1), **load.bars(*BARS_MS[length], rounds)}
        for length, job in (
            (DAY, "timeline of a camera's day from a full index: p95"),
            (MONTH, "the same of a month: p95"),
            (YEAR, "the same of a year, by the day: p95"),
        )
    )
    return {"id": "R23", **day, "also": [{"id": "R23b", **month}, {"id": "R23c", **year}]}


async def _fill(tenant: UUID, cameras: Sequence[UUID], first: datetime, superuser: Any) -> None:
    """Puts the rows in as they would have come, day by day, and lets the database see to them as it does by itself in time."""
    await superuser.execute("SET synchronous_commit = off")
    await superuser.execute(_CAMERAS, tenant, cameras)
    await superuser.fetchval("SELECT streaming.make_segments_partitions($1, $2)", first.date(), DAYS + 1)
    for day in range(DAYS):
        await superuser.execute(_SEGMENTS, tenant, cameras, first + day * DAY, timeout=600)
    await superuser.execute(_INTERRUPTIONS, tenant, cameras[0], first, DAYS)
    await superuser.execute("VACUUM (ANALYZE) streaming.segments", timeout=1_800)
    await superuser.execute("ANALYZE streaming.interruptions")


async def _ask(http: httpx.AsyncClient, camera: UUID, today: datetime, length: timedelta) -> list[float]:
    """Asks for that many ranges that end somewhere in the recorded time, and returns how long each answer took, in seconds."""
    taken = []
    for _ in range(ASKED):
        until = (today - timedelta(minutes=random.randrange(1, (DAYS - 32) * 1_440))).astimezone(UTC)
        params = {"camera_id": str(camera), "from": (until - length).isoformat(), "to": until.isoformat()}
        began = time.perf_counter()
        body = (await http.get("/timeline", params=params)).raise_for_status().json()
        taken.append(time.perf_counter() - began)
        if body["recorded_s"] < min(length, 30 * DAY).total_seconds() * 0.95:
            raise RuntimeError(f"{body['recorded_s']} s are recorded in {length}")
    return taken


if __name__ == "__main__":
    print(measure())
