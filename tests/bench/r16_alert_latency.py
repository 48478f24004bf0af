"""R16: from a frame's arrival to its alert at the browser's socket, while 250 frames a second are offered, in ms at the 95th percentile.

Every part is the product's and a process of its own: RabbitMQ, ai-detect's worker (with a model that takes no time), ingest, PostgreSQL
behind PgBouncer, alerts, Redis, the live WebSocket. Five frames a second show a plate that is on a watchlist, each another one. The clock
starts when the frame is handed to the broker, as the grabber does on its arrival, and ends when the socket has the alert.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

import aio_pika
import httpx
import uvloop
from tests.bench import load, noop_worker
from tests.bench.running_services import RunningServices, process, running_services
from websockets.asyncio.client import ClientConnection, connect

from chassis.bus import FrameHeaders
from chassis.bus.frames import FRAME_HEADER
from chassis.bus.publisher import EventPublisher, Publisher
from chassis.settings import RabbitSettings
from chassis.topology import FRAMES_QUEUE
from gtvision.events import CameraRegistered
from gtvision.ids import new_id
from gtvision.time import SystemClock

FLOOR_MS, TARGET_MS, STRETCH_MS = 1_000.0, 300.0, 100.0
FRAMES_PER_S = 250
WATCHED_PER_S = 5
ROUND_S = 10
CAMERAS = [new_id() for _ in range(FRAMES_PER_S)]
JPEG = os.urandom(8 * 1024)
PATIENCE_S = 30


def plate(number: int) -> str:
    """Returns a plate of the old era, another one for each number."""
    letters = "".join(chr(65 + number // 26**at % 26) for at in range(3))
    return f"{letters}{number % 10_000:04}"


def measure(rounds: int = 7) -> dict[str, object]:
    """Runs the whole way for ten seconds a round."""
    return uvloop.run(_measure(max(rounds, 7)))


async def _measure(rounds: int) -> dict[str, object]:
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(running_services())
        alerts = await stack.enter_async_context(services.service("alerts"))
        ingest = await stack.enter_async_context(services.service("ingest"))
        rabbit = RabbitSettings.model_validate({"url": services.servers.rabbitmq.url()})
        await _register_cameras(services, rabbit)
        objects = services.servers.make_folder(services.servers.next_name("objects")).as_uri()
        given = {**os.environ, "RABBITMQ_URL": services.servers.rabbitmq.url(), "OBJECTS_URL": objects}
        stack.enter_context(process([sys.executable, noop_worker.__file__], services.servers.root / "worker.log", given))
        await _watch(services, alerts, (rounds + 1) * ROUND_S * WATCHED_PER_S)
        url = f"ws://127.0.0.1:{ingest}/ws/v1/live?ticket={services.mint.ticket('ws')}"
        socket = await stack.enter_async_context(connect(url, compression=None, max_size=None))
        await socket.send('{"type":"subscribe","topics":["alerts"]}')
        taken = [await _round(services, rabbit, socket, turn) for turn in range(rounds + 1)][1:]  # the first one warms up
    each = [sorted(delays)[int(len(delays) * 0.95)] for delays in taken]
    middles = [statistics.median(delays) for delays in taken]
    return {
        "id": "R16",
        "job": "frame arrival to alert at the browser's socket, no-op model, 250 frames/s offered, p95, ms",
        **load.spread(each, 0),
        **load.bars(FLOOR_MS, TARGET_MS, STRETCH_MS, rounds),
        "better": "lower",
        "detail": f"median {statistics.median(middles):.0f} ms, slowest {max(map(max, taken)):.0f} ms of {sum(map(len, taken))} alerts",
    }


async def _register_cameras(services: RunningServices, rabbit: RabbitSettings) -> None:
    async with Publisher(rabbit, "bench cameras") as publisher:
        events = EventPublisher(publisher, SystemClock())
        for camera in CAMERAS:
            data = CameraRegistered(camera_id=camera, revision=1, name=f"Câmera {camera}", url_encrypted="x")
            await events.publish(data, tenant_id=services.mint.tenant_id)


async def _watch(services: RunningServices, port: int, count: int) -> None:
    headers = services.mint.headers(services.mint.caller())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, trust_env=False) as http:
        made = (await http.post("/watchlists", json={"name": "Bancada", "severity": "critical"})).raise_for_status().json()
        for number in range(count):
            (await http.post(f"/watchlists/{made['watchlist_id']}/entries", json={"plate": plate(number)})).raise_for_status()


async def _round(services: RunningServices, rabbit: RabbitSettings, socket: ClientConnection, turn: int) -> list[float]:
    """Offers frames for ten seconds, and returns how many milliseconds each alert took."""
    sent: dict[str, float] = {}
    wanted = ROUND_S * WATCHED_PER_S
    hearing = asyncio.create_task(_hear(socket, wanted))
    async with await aio_pika.connect(rabbit.url.get_secret_value()) as connection:
        channel = await connection.channel(publisher_confirms=False)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(ROUND_S * FRAMES_PER_S):
            await asyncio.sleep(max(0.0, began + number / FRAMES_PER_S - loop.time()))
            shown, rest = divmod(number, FRAMES_PER_S // WATCHED_PER_S)
            text = plate(turn * wanted + shown) if rest == 0 else None
            message = _frame(services, number, text)
            if text:
                sent[text] = time.perf_counter()
            await channel.default_exchange.publish(message, FRAMES_QUEUE)
    async with asyncio.timeout(PATIENCE_S):
        heard = await hearing
    return [(heard[text] - at) * 1_000 for text, at in sent.items()]


async def _hear(socket: ClientConnection, wanted: int) -> dict[str, float]:
    heard: dict[str, float] = {}
    while len(heard) < wanted:
        message: dict[str, Any] = json.loads(await socket.recv())
        at = time.perf_counter()
        if message["type"] == "ping":
            await socket.send('{"type":"pong"}')
        elif message["type"] == "alert":
            heard.setdefault(message["data"]["plate"], at)
    return heard


def _frame(services: RunningServices, number: int, text: str | None) -> aio_pika.Message:
    now = SystemClock().now()
    headers = FrameHeaders(
        tenant_id=services.mint.tenant_id,
        camera_id=CAMERAS[number % len(CAMERAS)],
        captured_at=now,
        arrived_at=now,
        width_px=1280,
        height_px=720,
        sequence=number,
        correlation_id=new_id(),
    )
    body = noop_worker.MARK + text.encode() + JPEG if text else JPEG
    return aio_pika.Message(body, headers={FRAME_HEADER: headers.model_dump_json(exclude_defaults=True)})


if __name__ == "__main__":
    print(measure())
