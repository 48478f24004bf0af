"""R3: a trivial route behind everything the chassis puts before it, traces sampled at 1 %, against a bare Starlette JSON route.

Both are uvicorn processes on loopback with the same loop and parser. Rounds alternate between them, so that a noisy machine
disturbs both alike; the ratio of a round is the figure. The access log goes to a file and the spans to a sink that takes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import uvloop

FLOOR, TARGET, STRETCH = 0.18, 0.25, 0.32
CONNECTIONS = 16
WARM_UP_S = 0.3
ROUND_S = 1.5


# --- the two servers ---------------------------------------------------------------------------------------------------


def serve_subject() -> None:
    from fastapi import APIRouter

    from chassis.service import create_app, run
    from chassis.settings import ServiceSettings, load

    router = APIRouter(prefix="/api/v1")

    @router.get("/trivial", openapi_extra={"x-access": "public"})
    async def trivial() -> dict[str, str]:
        return {"hello": "world"}

    run(create_app(load(ServiceSettings), title="Bench", lifespan_parts=[], routers=[router]))


def serve_baseline() -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def trivial(_: Request) -> JSONResponse:
        return JSONResponse({"hello": "world"})

    app = Starlette(routes=[Route("/api/v1/trivial", trivial)])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="error", access_log=False)


# --- the client --------------------------------------------------------------------------------------------------------


class _Client(asyncio.Protocol):
    """One kept-alive connection that asks again at the last byte of each answer."""

    request = b"GET /api/v1/trivial HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n\r\n"

    def __init__(self) -> None:
        self.answers = 0
        self.failures = 0
        self._head = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transport is no subclass of it
        self._transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if self._head:
            self.failures += not data.startswith(b"HTTP/1.1 200")
        self._head = data.endswith(b"}")
        if self._head:
            self.answers += 1
            self._transport.write(self.request)


async def _rate(port: int, seconds: float) -> float:
    """Returns answers per second over all connections, after a warm-up. Raises: RuntimeError on a wrong answer."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(_Client, "127.0.0.1", port) for _ in range(CONNECTIONS)]
    clients = [client for _, client in made]
    await asyncio.sleep(WARM_UP_S)
    before, began = sum(client.answers for client in clients), loop.time()
    await asyncio.sleep(seconds)
    answers, elapsed = sum(client.answers for client in clients) - before, loop.time() - began
    for transport, _ in made:
        transport.close()
    if any(client.failures for client in clients):
        raise RuntimeError("an answer was not 200")
    return answers / elapsed


# --- the measurement ---------------------------------------------------------------------------------------------------


def measure(rounds: int = 7) -> dict[str, object]:
    """Starts both servers, measures them in turn, stops them."""
    return uvloop.run(_measure(max(rounds, 7)))


async def _measure(rounds: int) -> dict[str, object]:
    sink = await asyncio.start_server(_take_spans, "127.0.0.1", 0)
    spans = f"http://127.0.0.1:{sink.sockets[0].getsockname()[1]}"
    ratios: list[float] = []
    rates: dict[str, list[float]] = {"subject": [], "baseline": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        _server("subject", folder, spans) as subject,
        _server("baseline", folder, spans) as baseline,
    ):
        for port in (subject, baseline):
            await _answering(port)
        for turn in range(rounds):
            order = [("subject", subject), ("baseline", baseline)]
            for name, port in order if turn % 2 else reversed(order):
                rates[name].append(await _rate(port, ROUND_S))
            ratios.append(rates["subject"][-1] / rates["baseline"][-1])
    sink.close()
    return {
        "id": "R3",
        "job": "trivial route with all middleware: rps / bare Starlette JSON route",
        "ratio": round(statistics.median(ratios), 3),
        "min": round(min(ratios), 3),
        "max": round(max(ratios), 3),
        "floor": FLOOR,
        "target": TARGET,
        "stretch": STRETCH,
        "better": "higher",
        "rounds": rounds,
        "detail": f"{statistics.median(rates['subject']):.0f} and {statistics.median(rates['baseline']):.0f} requests/s",
    }


@contextlib.contextmanager
def _server(role: str, folder: str, spans: str) -> Iterator[int]:
    port = _free_port()
    environment = {
        "SERVICE_NAME": "bench",
        "HTTP_PORT": str(port),
        "PRIVATE_PORT": "0",
        "TRACE_SAMPLE_RATIO": "0.01",
        "OTEL_EXPORTER_OTLP_ENDPOINT": spans,
    }
    with Path(folder, f"{role}.log").open("wb") as output:
        process = subprocess.Popen([sys.executable, __file__, role, str(port)], env=environment, stdout=output, stderr=output)
        try:
            yield port
        finally:
            process.terminate()
            process.wait(20)


async def _answering(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


async def _take_spans(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    writer.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    if sys.argv[1:2] == ["subject"]:
        serve_subject()
    elif sys.argv[1:2] == ["baseline"]:
        serve_baseline()
    else:
        print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
