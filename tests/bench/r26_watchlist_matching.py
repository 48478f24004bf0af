"""R26: what comparing 200 stored plates a second with a watchlist of 100,000 takes of a core, %; R26b: the same in events of two plates.

Service (its verb, in this process), PostgreSQL and PgBouncer together, on real servers. Each plate has two more ways of reading it, as a
reader gives them, and one plate in a thousand is on the list. A fifth of the entries are `similar`. Events come at fixed times: of ten
plates, as many cameras give together, and of two, as `ingest` stores them where few cameras see anything.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop
from sqlalchemy import make_url
from tests.bench import load
from tests.bench.r21_playback import cpu_s
from tests.bench.running_services import running_services

import alerts
from alerts.alerts.fakes import FakeNotifier
from alerts.alerts.repository import PostgresAlerts
from alerts.alerts.usecases import Alerts
from alerts.settings import RuleSettings
from alerts.sightings.usecases import Sightings
from alerts.watchlists.repository import PostgresWatchlists
from chassis.db import Database
from chassis.fakes import FakeLive
from chassis.redis import connect_redis
from city.tenants import TenantDirectory
from gtvision import plate as plates
from gtvision.camera import ObjectClass
from gtvision.detection import DetectedObject
from gtvision.events import StoredDetection
from gtvision.geometry import Box
from gtvision.ids import new_id
from gtvision.time import SystemClock

ENTRIES = 100_000
PLATES_A_SECOND = 200
ROUND_S = 4.0
SIZES = {"R26": 10, "R26b": 2}
ON_THE_LIST = 1_000
"""One plate in so many."""

_LIST = "INSERT INTO alerts.watchlists (tenant_id, watchlist_id, name, severity, created_at) VALUES ($1, $2, 'Furtados', 'critical', now())"
_FILL = """
    INSERT INTO alerts.watchlist_entries (tenant_id, entry_id, watchlist_id, plate, plate_key, match, reason, created_at, is_similar)
    SELECT $1, gen_random_uuid(), $2, plate, key, 'era', 'furto', now(), alike FROM unnest($3::text[], $4::text[], $5::bool[])
        AS t(plate, key, alike)
"""


def measure(rounds: int = 7) -> dict[str, object]:
    """Starts the servers, fills the list, measures, stops the servers."""
    return uvloop.run(_measure(max(rounds, 7)))


async def _measure(rounds: int) -> dict[str, object]:
    chance = random.Random(26)
    watched = list({plates.key(_plate(chance)): None for _ in range(ENTRIES + 1_000)})[:ENTRIES]
    async with running_services() as running:
        tenant = new_id()
        settings = await running.databases.clone("alerts", alerts)
        superuser = await running.servers.postgres.connect(str(make_url(settings.url.get_secret_value()).database))
        try:
            await _fill(superuser, tenant, watched)
        finally:
            await superuser.close()
        clock, redis = SystemClock(), connect_redis(running.servers.redis_state.url)
        async with Database(settings, clock) as db, redis:
            raising = Alerts(db.uow, PostgresAlerts, clock, FakeLive(), FakeNotifier())
            rules = RuleSettings().sighting
            verb = Sightings(db.uow, PostgresWatchlists, PostgresAlerts, raising, TenantDirectory(redis), rules)
            shares: dict[str, list[float]] = {name: [] for name in SIZES}
            for number in range(rounds + 1):
                for name, size in SIZES.items():
                    share = await _share(verb, tenant, _events(chance, watched, size))
                    shares[name] += [share] if number else []  # the first round warms up
    more = {"better": "lower", "detail": f"{ENTRIES:,} entries, one plate in {ON_THE_LIST:,} is on the list"}
    figures = [
        {
            "id": name,
            "job": f"{PLATES_A_SECOND} plates a second in events of {SIZES[name]} against the watchlist: share of a core, %",
            **more,
            **load.spread(shares[name], 1),
            **load.bars(*bars, rounds),
        }
        for name, bars in {"R26": (10.0, 5.0, 2.5), "R26b": (50.0, 25.0, 10.0)}.items()
    ]
    return {**figures[0], "also": figures[1:]}


async def _share(verb: Sightings, tenant: UUID, events: Sequence[list[StoredDetection]]) -> float:
    """Hands over the events at fixed times. Returns the time on a CPU as a share of the time that they stand for, in per cent."""
    pids = _pids()
    before, start = cpu_s(pids), time.monotonic()
    for number, event in enumerate(events):
        await asyncio.sleep(max(0.0, start + ROUND_S * number / len(events) - time.monotonic()))
        await verb.compare(tenant, new_id(), event)
    return (cpu_s(pids) - before) / ROUND_S * 100


def _pids() -> list[int]:
    """This process, and the database's: its servers are children of ours."""
    found = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _is_ours(path)]
    return [os.getpid(), *found]


def _is_ours(process: Path) -> bool:
    try:
        name, parent = (process / "comm").read_text().strip(), int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return False
    return name in {"postgres", "pgbouncer"} and parent == os.getpid()


def _events(chance: random.Random, watched: Sequence[str], size: int) -> list[list[StoredDetection]]:
    return [[_seen(chance, watched) for _ in range(size)] for _ in range(int(PLATES_A_SECOND * ROUND_S) // size)]


def _seen(chance: random.Random, watched: Sequence[str]) -> StoredDetection:
    text = chance.choice(watched) if chance.randrange(ON_THE_LIST) == 0 else _plate(chance)
    best, *others = plates.repair(text, [0.95] * len(text))[:3]
    box = Box(x1=0.1, y1=0.1, x2=0.2, y2=0.2)
    thing = DetectedObject(object_class=ObjectClass.CAR, confidence=0.9, box=box, plate=best, plate_alternates=tuple(others))
    return StoredDetection(detection_id=new_id(), camera_id=new_id(), captured_at=SystemClock().now(), object=thing)


def _plate(chance: random.Random) -> str:
    shape = chance.choice(("LLLNNNN", "LLLNLNN"))
    return "".join(chance.choice(plates.LETTERS if kind == "L" else plates.DIGITS) for kind in shape)


async def _fill(superuser: Any, tenant: UUID, watched: Sequence[str]) -> None:
    watchlist = new_id()
    await superuser.execute(_LIST, tenant, watchlist)
    await superuser.execute(_FILL, tenant, watchlist, watched, watched, [number % 5 == 0 for number in range(len(watched))], timeout=300)
    await superuser.execute("VACUUM (ANALYZE) alerts.watchlist_entries", timeout=300)


if __name__ == "__main__":
    print(measure())
