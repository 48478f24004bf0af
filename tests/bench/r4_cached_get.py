"""R4: `GET /api/v1/cameras/health` with a token, against a bare Starlette JSON route.

The service is the process that the stack runs, on PostgreSQL behind PgBouncer, RabbitMQ and Redis, with every middleware, its access
log and its loops. The token's signature and revocation are checked; the counts of the fleet are read from the database once a
second at most, for all callers together. Rounds alternate; the ratio of a round is the figure.
"""

from __future__ import annotations

import statistics

import uvloop
from tests.bench import bare, load
from tests.bench.fleet import register_cameras
from tests.bench.running_services import baseline, running_services

FLOOR, TARGET, STRETCH = 0.08, 0.12, 0.20
ROUND_S = 1.5


def measure(rounds: int = 7) -> dict[str, object]:
    """Starts the servers, measures both sides in turn, stops the servers."""
    return uvloop.run(_measure(max(rounds, 7)))


async def _measure(rounds: int) -> dict[str, object]:
    async with running_services() as running, running.service("cameras") as port, baseline(running.servers.root) as bare_port:
        caller = running.mint.caller()
        await register_cameras(port, running.mint.token(caller))
        sides = {
            "subject": (port, load.request("/api/v1/cameras/health", running.mint.token(caller))),
            "baseline": (bare_port, load.request(bare.PATH)),
        }
        rates = await load.alternate(sides, rounds, ROUND_S)
    ratios = [subject / bare_rate for subject, bare_rate in zip(rates["subject"], rates["baseline"], strict=True)]
    return {
        "id": "R4",
        "job": "authenticated cached GET (how the cameras fare): rps / bare Starlette JSON route",
        **load.spread(ratios, 3),
        **load.bars(FLOOR, TARGET, STRETCH, rounds),
        "better": "higher",
        "detail": f"{statistics.median(rates['subject']):.0f} and {statistics.median(rates['baseline']):.0f} requests/s",
    }


if __name__ == "__main__":
    print(measure())
