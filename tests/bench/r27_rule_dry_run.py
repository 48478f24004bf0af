"""R27: `POST /api/v1/detections/dry-run`, a rule over seven days of a million detections; R27b: what follows things over all cameras.

The service is the process that the stack runs, on PostgreSQL behind PgBouncer. `DRY_RUN_BENCH_ROWS` detections of the last seven days lie
in their daily partitions, of fifty cameras, in the order in which they came: cars that cross the picture, one after the other, a picture a
second. R27 is the slowest of: a line of one camera, a zone with a dwell of one camera, and every car of every camera at night, of which
600,000 are read. R27b reads every one of the million and follows it by its foot point.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import uvloop
from tests.bench import load
from tests.bench.running_services import running_services

from gtvision.ids import new_id
from gtvision.time import SystemClock, isoformat

ROWS = int(os.environ.get("DRY_RUN_BENCH_ROWS", "1000000"))
CAMERAS, DAYS = 50, 7
BARS_S = (10.0, 5.0, 2.0)

_DETECTIONS = """
    INSERT INTO ingest.detections (tenant_id, captured_at, detection_id, camera_id, arrived_at, stored_at, object_class, confidence, box,
        plate, plate_key, plate_confidence, evidence_key, evidence_sha256, provider, model)
    SELECT $1, at, gen_random_uuid(), ($2::uuid[])[1 + n % $5], at, at, (ARRAY['car', 'car', 'car', 'motorcycle', 'truck'])[1 + n / 40 % 5],
           0.5 + random() / 2, ARRAY[0.45, 0.1 + n / $5 % 8 * 0.1, 0.55, 0.2 + n / $5 % 8 * 0.1],
           CASE WHEN n % 5 = 0 THEN 'ABC1D23' END, CASE WHEN n % 5 = 0 THEN 'ABC1323' END, CASE WHEN n % 5 = 0 THEN 0.9 END,
           'evidence/a/b/c.jpg', repeat('a1', 32), 'cpu', 'bench'
    FROM (SELECT n, $3::timestamptz + (n / $5 / 8) * ($4::interval / (($6 / $5 / 8) + 1)) + (n / $5 % 8) * interval '1 s'
          + (n % $5) * interval '7 ms' AS at FROM generate_series(0, $6 - 1) AS n) AS row
    WHERE at < $3::timestamptz + $4::interval
    ORDER BY at
"""


def measure(rounds: int = 5) -> dict[str, object]:
    """Fills the table, starts the servers, measures, stops the servers."""
    return uvloop.run(_measure(max(rounds, 5)))


async def _measure(rounds: int) -> dict[str, object]:
    cameras, end = [new_id() for _ in range(CAMERAS)], SystemClock().now() - timedelta(minutes=1)
    begin = end - timedelta(days=DAYS)
    async with running_services() as running:
        caller = running.mint.caller()

        async def filled(superuser: Any) -> None:
            await _fill(superuser, caller.tenant_id, cameras, begin)

        async with running.service("ingest", filled=filled) as port:
            headers = {"authorization": f"Bearer {running.mint.token(caller)}"}
            base = f"http://127.0.0.1:{port}/api/v1"
            async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=120) as http:
                taken = {name: [await _ask(http, rule, begin, end) for _ in range(rounds)] for name, rule in _rules(cameras[0]).items()}
    detail = f"{ROWS:,} detections of {CAMERAS} cameras in {DAYS} days"
    followed = taken.pop("dwell everywhere")
    worst = max(taken.values(), key=statistics.median)

    def row(job: str, times: Sequence[float]) -> dict[str, Any]:
        return {"job": f"{job}, s", "better": "lower", "detail": detail, **load.spread(times, 2), **load.bars(*BARS_S, rounds)}

    return {
        "id": "R27",
        **row("dry run of a rule over seven days, the slowest of three", worst),
        "also": [{"id": "R27b", **row("the same of a dwell at every camera", followed)}],
    }


def _rules(camera: UUID) -> dict[str, dict[str, Any]]:
    zone = {"points": [[0.3, 0.3], [0.7, 0.3], [0.7, 0.9], [0.3, 0.9]]}
    one = {"camera_ids": [str(camera)]}
    return {
        "line": one | {"line": {"a": [0, 0.5], "b": [1, 0.5], "direction": "a_to_b"}},
        "zone and dwell": one | {"zone": zone, "dwell_s": 3},
        "every car": {"classes": ["car"], "schedule": {"from": "22:00", "to": "06:00"}, "min_confidence": 0.0},
        "dwell everywhere": {"dwell_s": 5},
    }


async def _fill(superuser: Any, tenant: UUID, cameras: Sequence[UUID], begin: datetime) -> None:
    await superuser.execute("SET synchronous_commit = off")
    await superuser.fetchval("SELECT ingest.make_detections_partitions($1, $2)", begin.date(), DAYS + 2)
    await superuser.execute(_DETECTIONS, tenant, cameras, begin, timedelta(days=DAYS), CAMERAS, ROWS, timeout=600)
    await superuser.execute("VACUUM (ANALYZE) ingest.detections", timeout=600)


async def _ask(http: httpx.AsyncClient, condition: dict[str, Any], begin: datetime, end: datetime) -> float:
    """Returns how long the answer took, in seconds."""
    body = {"condition": condition, "cooldown_s": 60, "from": isoformat(begin), "to": isoformat(end)}
    began = time.perf_counter()
    answer = (await http.post("/detections/dry-run", json=body)).raise_for_status().json()
    taken = time.perf_counter() - began
    if not answer["complete"] or not answer["total"]:
        raise RuntimeError(f"{answer['total']} alerts until {answer['scanned_until']}")
    return taken


if __name__ == "__main__":
    print(measure())
