"""An HTTP client over kept-alive connections: it asks as fast as the answers come, or at a fixed rate.

The client takes much less of the processor than what it measures, as it shares the machine with both sides.
"""

from __future__ import annotations

import asyncio
import statistics
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import cast

CONNECTIONS = 16
WARM_UP_S = 0.3

Wires = bytes | Sequence[bytes]
"""The bytes of the requests: one for all sixteen connections, or one for each connection."""


def request(path: str, token: str | None = None) -> bytes:
    """Returns the bytes of a GET."""
    head = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n"
    return (head + (f"Authorization: Bearer {token}\r\n" if token else "") + "\r\n").encode()


def post(path: str, body: bytes, *, address: str) -> bytes:
    """Returns the bytes of a POST of JSON, from a client's address behind the edge."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nX-Forwarded-For: {address}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One kept-alive connection, one request at a time."""

    def __init__(self, wire: bytes, on_answer: Callable[[Connection], None]) -> None:
        self._wire, self._on_answer = wire, on_answer
        self._missing = 0
        """Bytes of the answer's body that are still missing."""
        self._head = b""
        self.answers = 0
        self.failures: set[bytes] = set()
        self.bytes = 0
        self.since = 0.0
        """When the current request was due."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transport is no subclass of it

    def ask(self, since: float = 0.0) -> None:
        self.since = since
        self.transport.write(self._wire)

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        if self._missing:
            self._missing -= len(data)
        else:
            self._read_head(data)
        if self._missing == 0 and not self._head:
            self.answers += 1
            self._on_answer(self)

    def _read_head(self, data: bytes) -> None:
        data = self._head + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._head = data
            return
        self._head = b""
        if not data.startswith(b"HTTP/1.1 200"):
            self.failures.add(data.partition(b"\r\n")[0])
        at = data.lower().find(b"content-length: ", 0, end + 2)
        length = int(data[at + 16 : data.find(b"\r", at)])
        self._missing = end + 4 + length - len(data)


async def _connect(port: int, wires: Wires, on_answer: Callable[[Connection], None]) -> list[Connection]:
    """Opens a connection for each request; where one request is given, sixteen that send it."""
    loop = asyncio.get_running_loop()
    each = [wires] * CONNECTIONS if isinstance(wires, bytes) else wires
    return [(await loop.create_connection(lambda wire=wire: Connection(wire, on_answer), "127.0.0.1", port))[1] for wire in each]


def _close(connections: list[Connection]) -> None:
    for connection in connections:
        connection.transport.close()
    if failures := set().union(*(connection.failures for connection in connections)):
        raise RuntimeError(f"not every answer was 200: {sorted(failures)}")


async def rate(port: int, wires: Wires, seconds: float) -> float:
    """Returns answers per second over all connections, after a warm-up. Raises: RuntimeError on a wrong answer."""
    loop = asyncio.get_running_loop()
    connections = await _connect(port, wires, Connection.ask)
    for connection in connections:
        connection.ask()
    await asyncio.sleep(WARM_UP_S)
    before, began = sum(each.answers for each in connections), loop.time()
    await asyncio.sleep(seconds)
    answers, elapsed = sum(each.answers for each in connections) - before, loop.time() - began
    _close(connections)
    return answers / elapsed


async def alternate(sides: Mapping[str, tuple[int, bytes]], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Returns the rates of each side, one a round. Each round reverses the order, so that a noisy machine disturbs all sides alike."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in sorted(sides, reverse=turn % 2 == 0):
            rates[name].append(await rate(*sides[name], seconds))
    return rates


async def latencies(port: int, wires: Wires, per_second: float, seconds: float) -> list[float]:
    """Returns the seconds from when each request was due to its answer, at a steady rate; waiting for a free connection counts."""
    loop = asyncio.get_running_loop()
    taken: list[float] = []
    idle: deque[Connection] = deque()
    waiting: deque[float] = deque()

    def answered(connection: Connection) -> None:
        taken.append(loop.time() - connection.since)
        if waiting:
            connection.ask(waiting.popleft())
        else:
            idle.append(connection)

    connections = await _connect(port, wires, answered)
    idle.extend(connections)
    due, end = loop.time(), loop.time() + seconds
    while due < end:
        due += 1 / per_second
        await asyncio.sleep(max(0.0, due - loop.time()))
        if idle:
            idle.popleft().ask(due)
        else:
            waiting.append(due)
    async with asyncio.timeout(30):
        while len(idle) < len(connections):
            await asyncio.sleep(0.01)
    _close(connections)
    return taken


def spread(values: Sequence[float], digits: int) -> dict[str, float]:
    """Returns median, lowest and highest value, as the fields of a measurement."""
    return {"ratio": round(statistics.median(values), digits), "min": round(min(values), digits), "max": round(max(values), digits)}


def bars(floor: float, target: float, stretch: float, rounds: int) -> dict[str, float]:
    """Returns the bars as the fields of a measurement."""
    return {"floor": floor, "target": target, "stretch": stretch, "rounds": rounds}


def p95(seconds: list[float]) -> float:
    """Returns the 95th percentile in milliseconds."""
    return statistics.quantiles(seconds, n=20)[-1] * 1_000
