"""Starts several servers at once, waits until each answers, and stops them in order. For tests; `gtv` supervises for longer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from servers import children
from servers.children import Child
from servers.failures import NotReady, ServerError
from servers.process import START_TIMEOUT_S, LocalServer

POLL_S = 0.05
STOP_TIMEOUT_S = 20.0
LOG_TAIL_BYTES = 3000


class ServerRunner:
    """Runs servers, each in a process group of its own, with its output in `<logs>/<name>.log`.

    `launch` and `wait` are apart, so that a slow server can boot while others are already in use.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._servers: dict[str, LocalServer] = {}
        self._processes: dict[str, Child] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.to_thread(self.stop)

    def launch(self, server: LocalServer) -> None:
        """Prepare and start one server without waiting for it. Blocking; starting a living one again does nothing."""
        running = self._processes.get(server.name)
        if running is not None and running.exit_code() is None:
            return
        server.prepare()
        self._logs.mkdir(parents=True, exist_ok=True)
        with (self._logs / f"{server.name}.log").open("ab") as output:
            self._processes[server.name] = children.spawn(server.spec(), output, tied=False)
        self._servers[server.name] = server

    async def wait(self, server: LocalServer, timeout_s: float = START_TIMEOUT_S) -> None:
        """Until it is ready and set up; `ServerError` with the end of its log if it died or takes too long."""
        process = self._processes[server.name]
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                await server.ready()
                break
            except NotReady as problem:
                if process.exit_code() is not None:
                    raise ServerError(f"{server.name} ended with {process.exit_code()}:\n{self._log_tail(server.name)}") from problem
                if time.monotonic() > deadline:
                    raise ServerError(f"{server.name} is not ready: {problem}\n{self._log_tail(server.name)}") from problem
                await asyncio.sleep(POLL_S)
        await server.after_start()

    async def start(self, servers: Iterable[LocalServer]) -> None:
        """Start all of them in parallel and wait for each."""
        wanted = list(servers)
        async with asyncio.TaskGroup() as group:
            for server in wanted:
                group.create_task(self._start_one(server))

    def pid(self, name: str) -> int:
        """The process of a running server, for tests that kill or freeze it."""
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL to the server and all that it started, and reap it."""
        process = self._processes[name]
        children.kill(process.members())
        process.wait(STOP_TIMEOUT_S)

    def stop_one(self, name: str) -> None:
        """Ask it to stop as its specification says, then kill. Blocking; harmless if it is gone."""
        process = self._processes.pop(name, None)
        server = self._servers.pop(name, None)
        if process is None or server is None:
            return
        members = process.members()
        if process.exit_code() is None:
            process.ask_to_end()
            process.wait(STOP_TIMEOUT_S)
        children.kill([*members, *process.members()])
        process.wait(STOP_TIMEOUT_S)
        server.after_stop()

    def stop(self) -> None:
        """Stop all, the last started first. Blocking."""
        for name in reversed(list(self._processes)):
            self.stop_one(name)

    async def _start_one(self, server: LocalServer) -> None:
        await asyncio.to_thread(self.launch, server)
        await self.wait(server)

    def _log_tail(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return (self._logs / f"{name}.log").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
        return ""
