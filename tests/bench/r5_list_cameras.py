"""R5: `GET /api/v1/cameras?limit=50`, 50 cameras read from PostgreSQL each time, against a bare Starlette JSON route; R5b: its p95.

The service is the process that the stack runs: token, row-level security through PgBouncer, every middleware, its access log. Rounds
alternate; the ratio of a round is the figure. For R5b requests are due at half of the rate that was just measured, at fixed times, and
a request's time begins when it is due, also where it has to wait for a connection.
"""

from __future__ import annotations

import statistics

import httpx
import uvloop
from tests.bench import bare, load
from tests.bench.fleet import CAMERAS, register_cameras
from tests.bench.running_services import baseline, running_services

FLOOR, TARGET, STRETCH = 0.04, 0.06, 0.10
FLOOR_MS, TARGET_MS, STRETCH_MS = 100.0, 50.0, 20.0
ROUND_S = 1.5
STEADY_S = 3.0
PATH = f"/api/v1/cameras?limit={CAMERAS}"


def measure(rounds: int = 7) -> dict[str, object]:
    """Starts the servers, measures both sides in turn, stops the servers."""
    return uvloop.run(_measure(max(rounds, 7)))


async def _measure(rounds: int) -> dict[str, object]:
    async with running_services() as running, running.service("cameras") as port, baseline(running.servers.root) as bare_port:
        caller = running.mint.caller()
        for each in (running.mint.caller(tenant_id=caller.user_id), caller):  # the cameras of another tenant are in the same table
            await register_cameras(port, running.mint.token(each))
        token = running.mint.token(caller)
        size = await _check(port, token)
        wire = load.request(PATH, token)
        rates = await load.alternate({"subject": (port, wire), "baseline": (bare_port, load.request(bare.PATH))}, rounds, ROUND_S)
        half = statistics.median(rates["subject"]) / 2
        waits = [load.p95(await load.latencies(port, wire, half, STEADY_S)) for _ in range(rounds)]
    ratios = [subject / bare_rate for subject, bare_rate in zip(rates["subject"], rates["baseline"], strict=True)]
    detail = (
        f"{statistics.median(rates['subject']):.0f} and {statistics.median(rates['baseline']):.0f} requests/s, {size:.0f} KiB an answer"
    )
    figure = {
        "job": "authenticated list of 50 cameras from PostgreSQL: rps / bare Starlette JSON route",
        "better": "higher",
        "detail": detail,
    }
    slow = {"job": "the same at half that load: p95 of an answer, ms", "better": "lower", "detail": f"{half:.0f} requests/s offered"}
    return {
        "id": "R5",
        **figure,
        **load.spread(ratios, 3),
        **load.bars(FLOOR, TARGET, STRETCH, rounds),
        "also": {"id": "R5b", **slow, **load.spread(waits, 1), **load.bars(FLOOR_MS, TARGET_MS, STRETCH_MS, rounds)},
    }


async def _check(port: int, token: str) -> float:
    """Checks that the answer holds all cameras that were asked for, and returns its size in KiB."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = (await http.get(f"http://127.0.0.1:{port}{PATH}", headers={"authorization": f"Bearer {token}"})).raise_for_status()
    if len(answer.json()["items"]) != CAMERAS:
        raise RuntimeError("not every camera is in the answer")
    return len(answer.content) / 1024


if __name__ == "__main__":
    print(measure())
