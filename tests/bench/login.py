"""LOGIN: `POST /api/v1/auth/login` through identity, against Argon2id alone; LOGINb: its p95. Separate from R4 and R5 on purpose.

A login is meant to be expensive: the password's hash takes 32 MiB and 3 passes. The baseline is the same hash verified by two threads,
as many as identity lets run at once, and nothing else; so the ratio says what the product adds (the throttle in Redis, the session and
its event in PostgreSQL, a signature of 3072 bits). quality.md has no bars for it: these are our own. For LOGINb logins come at half of
the rate that was just measured. Each connection is another address, as behind the edge: the throttle counts all of them.
"""

from __future__ import annotations

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import uvloop
from argon2 import PasswordHasher
from tests.bench import load
from tests.bench.running_services import running_services

FLOOR, TARGET, STRETCH = 0.50, 0.70, 0.85
FLOOR_MS, TARGET_MS, STRETCH_MS = 500.0, 250.0, 150.0
ROUND_S = 3.0
AT_ONCE = 2
"""The hashes that identity's Argon2 gateway computes at the same time."""
CONNECTIONS = 4
EMAIL, PASSWORD = "bench@gtvision.local", "quatro-tucanos-83-no-telhado"
WANTED = {"tenant": "Bench", "admin_email": EMAIL, "admin_password": PASSWORD}


def measure(rounds: int = 7) -> dict[str, object]:
    """Starts the servers, measures both sides in turn, stops the servers."""
    return uvloop.run(_measure(max(rounds, 7)))


async def _measure(rounds: int) -> dict[str, object]:
    logins, hashes = [], []
    body = json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
    wires = [load.post("/api/v1/auth/login", body, address=f"10.9.0.{number}") for number in range(1, CONNECTIONS + 1)]
    async with running_services() as running, running.service("identity", {"bootstrap": WANTED}) as port:
        for turn in range(rounds):
            if turn % 2:
                hashes.append(_bare(ROUND_S))
            logins.append(await load.rate(port, wires, ROUND_S))
            if not turn % 2:
                hashes.append(_bare(ROUND_S))
        half = statistics.median(logins) / 2
        waits = [load.p95(await load.latencies(port, wires, half, ROUND_S)) for _ in range(rounds)]
    ratios = [mine / bare for mine, bare in zip(logins, hashes, strict=True)]
    slow = {"id": "LOGINb", "job": "the same at half that load: p95 of an answer, ms", "better": "lower"}
    return {
        "id": "LOGIN",
        "job": "login through identity: logins/s / Argon2id verifications alone",
        "better": "higher",
        **load.spread(ratios, 3),
        **load.bars(FLOOR, TARGET, STRETCH, rounds),
        "detail": f"{statistics.median(logins):.1f} logins/s and {statistics.median(hashes):.1f} verifications/s",
        "also": slow
        | load.spread(waits, 1)
        | load.bars(FLOOR_MS, TARGET_MS, STRETCH_MS, rounds)
        | {"detail": f"{half:.1f} logins/s offered"},
    }


def _bare(seconds: float) -> float:
    """Returns the verifications per second of two threads."""
    hasher = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
    hashed = hasher.hash(PASSWORD)
    began = time.perf_counter()

    def verify() -> int:
        count = 0
        while time.perf_counter() - began < seconds:
            hasher.verify(hashed, PASSWORD)
            count += 1
        return count

    with ThreadPoolExecutor(AT_ONCE) as threads:
        counts = list(threads.map(lambda _: verify(), range(AT_ONCE)))
    return sum(counts) / (time.perf_counter() - began)


if __name__ == "__main__":
    print(measure())
