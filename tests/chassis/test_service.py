from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, WebSocket

from chassis.health import Heartbeat
from chassis.service import Service, Worker, create_app, create_worker, serve
from chassis.settings import ServiceSettings
from gtvision.errors import Unavailable
from servers import free_port

OPEN: dict[str, Any] = {"x-access": "public"}


def _settings(**values: Any) -> ServiceSettings:
    defaults: dict[str, Any] = {"service_name": "things", "http_port": free_port(), "private_port": free_port(), "shutdown_grace_s": 5}
    return ServiceSettings(**(defaults | values))


def _private(worker: Worker) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(worker.private), base_url="http://private")


def _plain(settings: ServiceSettings | None = None, **more: Any) -> Service:
    return create_app(settings or _settings(), title="Things", **({"lifespan_parts": [], "routers": []} | more))


# --- parts and loops ---------------------------------------------------------------------------------------------------


async def test_parts_are_entered_in_order_and_left_in_reverse() -> None:
    seen: list[str] = []

    def part(name: str) -> Callable[[], Any]:
        @asynccontextmanager
        async def context() -> AsyncIterator[None]:
            seen.append(f"+{name}")
            yield
            seen.append(f"-{name}")

        return context

    async def loop(_: Heartbeat) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("-loop")

    service = _plain(lifespan_parts=[part("a"), part("b")], loops={"loop": loop})
    async with service.started():
        assert service.is_started
        await asyncio.sleep(0)
    assert seen == ["+a", "+b", "-loop", "-b", "-a"]
    assert not service.is_started


async def test_a_part_that_fails_ends_the_start_and_leaves_the_ones_before() -> None:
    left: list[str] = []

    @asynccontextmanager
    async def good() -> AsyncIterator[None]:
        try:
            yield
        finally:
            left.append("good")

    @asynccontextmanager
    async def bad() -> AsyncIterator[None]:
        await asyncio.open_connection("127.0.0.1", 1)
        yield

    with pytest.raises(ConnectionRefusedError):
        async with _plain(lifespan_parts=[good, bad]).started():
            pass
    assert left == ["good"]


@pytest.mark.parametrize("failure", [RuntimeError("boom"), asyncio.CancelledError(), None])
async def test_a_loop_that_ends_in_any_way_is_started_again(failure: BaseException | None) -> None:
    turns = 0
    again = asyncio.Event()

    async def loop(heartbeat: Heartbeat) -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            if failure is not None:
                raise failure
            return
        again.set()
        while True:
            await heartbeat.sleep(1)

    async with _plain(loops={"loop": loop}).started(), asyncio.timeout(120):
        await again.wait()
    assert turns == 2


@pytest.mark.parametrize("instead", [RuntimeError("boom"), None])
async def test_a_loop_ends_though_a_library_swallows_its_cancellation(instead: Exception | None) -> None:
    ended = asyncio.Event()

    async def loop(heartbeat: Heartbeat) -> None:
        try:
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    if instead is not None:
                        raise instead from None
                await heartbeat.sleep(0.01)
        finally:
            ended.set()

    service = _plain(_settings(shutdown_grace_s=300), loops={"loop": loop})
    async with asyncio.timeout(150):  # less than the grace period: the loop ended by itself
        async with service.started():
            await asyncio.sleep(0)
    assert ended.is_set()
    assert service.heartbeats.ages_s() == {}


async def test_a_loop_that_does_not_end_does_not_hold_the_process() -> None:
    released = asyncio.Event()

    async def stubborn(_: Heartbeat) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await released.wait()
            raise

    service = _plain(_settings(shutdown_grace_s=0.05), loops={"stubborn": stubborn})
    async with asyncio.timeout(120):
        async with service.started():
            await asyncio.sleep(0)
    released.set()


# --- health ------------------------------------------------------------------------------------------------------------


async def test_a_hung_loop_makes_the_process_unhealthy() -> None:
    async def hung(heartbeat: Heartbeat) -> None:
        heartbeat._stale_after_s = 0.05
        await asyncio.Event().wait()

    service = _plain(loops={"hung": hung})
    async with service.started(), _private(service) as client:
        assert (await client.get("/health/live")).status_code == 200
        async with asyncio.timeout(120):
            while (answer := await client.get("/health/live")).status_code == 200:
                await asyncio.sleep(0.01)
        assert (answer.status_code, answer.json()["stale"]) == (503, ["hung"])


async def test_readiness_names_what_is_missing_without_secrets() -> None:
    async def fine() -> None: ...

    async def broken() -> None:
        raise Unavailable("no route to postgresql://cameras:c4n4ry@127.0.0.1/gtvision")

    async def endless() -> None:
        await asyncio.Event().wait()

    service = _plain(readiness={"redis": fine, "postgres": broken, "rabbitmq": endless})
    async with service.started(), _private(service) as client:
        answer = await client.get("/health/ready")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks["redis"] == "ok"
    assert checks["postgres"].startswith("Unavailable: no route to postgresql://")
    assert "no answer within 2 s" in checks["rabbitmq"]
    assert "c4n4ry" not in answer.text


async def test_readiness_says_no_before_the_start_and_after_the_end() -> None:
    service = _plain()
    async with _private(service) as client:
        assert (await client.get("/health/ready")).status_code == 503
        async with service.started():
            assert (await client.get("/health/ready")).json()["status"] == "ready"
        assert (await client.get("/health/ready")).json()["started"] is False
        assert (await client.get("/health/live")).status_code == 200


async def test_the_private_port_has_its_own_routes() -> None:
    hooks = APIRouter(prefix="/internal")

    @hooks.post("/media/auth")
    async def hook() -> dict[str, str]:
        return {}

    service = _plain(private_routers=[hooks])
    async with _private(service) as client, httpx.AsyncClient(transport=httpx.ASGITransport(service.api), base_url="http://api") as api:
        assert (await client.post("/internal/media/auth")).status_code == 200
        exposition = await client.get("/metrics")
        assert "gtvision_http_request_duration_seconds_bucket" in exposition.text
        for path in ("/internal/media/auth", "/metrics", "/health/live", "/health/ready"):
            assert (await api.post(path)).status_code == 404


# --- ports -------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _serving(service: Worker) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(serve(service, stop))
    async with asyncio.timeout(120):
        while not await _ready(service.settings.private_port):
            if task.done():
                task.result()
            await asyncio.sleep(0.02)
    yield stop
    stop.set()
    async with asyncio.timeout(120):
        await task


async def _ready(port: int) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200
        except httpx.TransportError:
            return False


async def test_a_request_in_flight_is_answered_before_the_end() -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()
    router = APIRouter(prefix="/api/v1")

    @router.get("/slow", openapi_extra=OPEN)
    async def slow() -> dict[str, str]:
        entered.set()
        await go_on.wait()
        return {"done": "yes"}

    service = _plain(_settings(shutdown_grace_s=120), routers=[router])
    async with _serving(service) as stop, httpx.AsyncClient(timeout=120) as client:
        request = asyncio.create_task(client.get(f"http://127.0.0.1:{service.settings.http_port}/api/v1/slow"))
        await entered.wait()
        stop.set()
        await asyncio.sleep(0.2)
        go_on.set()
        assert (await request).json() == {"done": "yes"}


async def test_the_private_port_answers_while_the_start_takes_its_time() -> None:
    proceed = asyncio.Event()

    @asynccontextmanager
    async def slow_part() -> AsyncIterator[None]:
        await proceed.wait()
        yield

    service = _plain(lifespan_parts=[slow_part])
    task = asyncio.create_task(serve(service, stop := asyncio.Event()))
    base = f"http://127.0.0.1:{service.settings.private_port}"
    async with httpx.AsyncClient(timeout=120) as client, asyncio.timeout(120):
        while True:
            try:
                answer = await client.get(f"{base}/health/ready")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.02)
        assert answer.status_code == 503
        assert (await client.get(f"{base}/health/live")).status_code == 200
        proceed.set()
        while not await _ready(service.settings.private_port):
            await asyncio.sleep(0.02)
    stop.set()
    await task


async def test_websockets_are_served() -> None:
    from websockets.asyncio.client import connect

    router = APIRouter(prefix="/ws/v1")

    @router.websocket("/echo")
    async def echo(ws: WebSocket, ticket: str) -> None:
        await ws.accept()
        await ws.send_text(await ws.receive_text())
        await ws.close(4401)

    service = _plain(routers=[router])
    async with _serving(service), connect(f"ws://127.0.0.1:{service.settings.http_port}/ws/v1/echo?ticket=x", open_timeout=120) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"
        await ws.wait_closed()
        assert ws.close_code == 4401


async def test_a_worker_has_the_private_port_only() -> None:
    async def loop(heartbeat: Heartbeat) -> None:
        while True:
            await heartbeat.sleep(1)

    with socket.socket() as held:  # bound and not listening: no other process can take the port meanwhile
        held.bind(("127.0.0.1", 0))
        http_port = held.getsockname()[1]
        worker = create_worker(_settings(http_port=http_port), title="Worker", lifespan_parts=[], loops={"loop": loop})
        async with _serving(worker), httpx.AsyncClient(timeout=120) as client:
            answer = await client.get(f"http://127.0.0.1:{worker.settings.private_port}/health/live")
            assert "loop" in answer.json()["heartbeats_age_s"]
            with pytest.raises(httpx.ConnectError):
                await client.get(f"http://127.0.0.1:{http_port}/")


async def test_a_taken_port_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        service = _plain(_settings(http_port=taken.getsockname()[1]))
        with pytest.raises(OSError, match="in use"):
            await serve(service, asyncio.Event())


# --- as a process ------------------------------------------------------------------------------------------------------

PROGRAM = """
import asyncio
import json
from fastapi import APIRouter
from chassis.service import create_app, run
from chassis.settings import ServiceSettings, load
router = APIRouter(prefix="/api/v1")
@router.get("/hello", openapi_extra={"x-access": "public"})
async def hello(token: str = "") -> dict[str, str]:
    return {"hello": "world"}
async def loop(heartbeat):
    try:
        while True:
            await heartbeat.sleep(1)
    finally:
        print('{"event":"loop ended"}', flush=True)
run(create_app(load(ServiceSettings), title="Program", lifespan_parts=[], routers=[router], loops={"loop": loop}))
print('{"event":"returned"}', flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_in_order(tmp_path: Path, number: signal.Signals) -> None:
    port, private = free_port(), free_port()
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {"SERVICE_NAME": "program", "HTTP_PORT": str(port), "PRIVATE_PORT": str(private)}
    written = tmp_path / "output"
    with written.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-W", "error", program], env=environment, stdout=output, stderr=output)
    try:
        async with asyncio.timeout(240), httpx.AsyncClient(timeout=120) as client:
            while not await _ready(private):
                assert process.poll() is None, written.read_text()
                await asyncio.sleep(0.05)
            answer = await client.get(f"http://127.0.0.1:{port}/api/v1/hello?token=c4n4ry")
            assert answer.json() == {"hello": "world"}
            assert "server" not in answer.headers
            while b'"request"' not in written.read_bytes():  # the answer may reach the client just before its line is in the log
                await asyncio.sleep(0.05)
            process.send_signal(number)
            await asyncio.to_thread(process.wait)
    finally:
        process.kill()
        process.wait()
    lines = [json.loads(line) for line in written.read_bytes().splitlines()]
    events = [line["event"] for line in lines]
    assert process.returncode == 0
    assert max(events.index("serving"), events.index("request")) < events.index("stopping")
    assert events.index("stopping") < events.index("loop ended") < events.index("returned")
    assert next(line for line in lines if line.get("path") == "/api/v1/hello")["status"] == 200
    assert "c4n4ry" not in written.read_text()
