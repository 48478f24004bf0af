"""Real processes of services on real servers, as the stack starts them, and the bare HTTP route that they are compared with."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import make_url
from tests.bench import bare
from tests.fixtures.databases import TestDatabases
from tests.fixtures.tokens import TokenMint, encryption_keys
from tests.fixtures.workplace import TestServers

from chassis.redis import connect_redis
from servers import free_port

Fill = Callable[[Any], Awaitable[None]]
READY_S = 60
SERVERS = ("postgres", "rabbitmq", "redis-cache", "redis-state")


@dataclass
class RunningServices:
    """Running servers, and a mint of tokens that services on them accept."""

    servers: TestServers
    databases: TestDatabases
    mint: TokenMint

    @contextlib.asynccontextmanager
    async def service(
        self, package: str, before: Mapping[str, Any] | None = None, *, filled: Fill | None = None, more: Mapping[str, str] | None = None
    ) -> AsyncIterator[int]:
        """Runs a service and yields the port of its API.

        `before`: roles to run to their end first, with JSON on their standard input. `filled` puts rows into its database, as a superuser.
        `more`: what its environment holds beside the usual.
        """
        database = await self.databases.clone(package, importlib.import_module(package))
        if filled is not None:
            superuser = await self.servers.postgres.connect(str(make_url(database.url.get_secret_value()).database))
            try:
                await filled(superuser)
            finally:
                await superuser.close()
        port, private, log = free_port(), free_port(), self.servers.root / f"{package}.log"
        environment = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH"}},
            "HTTP_PORT": str(port),
            "PRIVATE_PORT": str(private),
            "DATABASE_URL": database.url.get_secret_value(),
            "RABBITMQ_URL": self.servers.rabbitmq.url(),
            "REDIS_CACHE_URL": self.servers.redis_cache.url,
            "REDIS_STATE_URL": self.servers.redis_state.url,
            "OBJECTS_URL": self.servers.make_folder(self.servers.next_name("objects")).as_uri(),
            "ENCRYPTION_KEYS": encryption_keys(),
            "AUDIT_KEYS": encryption_keys(),
            **(more or {}),
        }
        for role, given in (before or {}).items():
            command = [sys.executable, "-m", package, role]
            done = subprocess.run(command, env=environment, input=json.dumps(given).encode(), check=False, capture_output=True, timeout=60)
            if done.returncode:
                raise RuntimeError(f"{package} {role}: {done.stderr.decode()[-2_000:]}")
        with process([sys.executable, "-m", package, "api"], log, environment):
            await _ready(f"http://127.0.0.1:{private}/health/ready", log)
            yield port


@contextlib.asynccontextmanager
async def running_services() -> AsyncIterator[RunningServices]:
    """Starts PostgreSQL, PgBouncer, RabbitMQ and both Redis; they end with the block."""
    servers = TestServers()
    try:
        await asyncio.gather(*(servers.running(name) for name in SERVERS))
        await servers.running("pgbouncer")
        mint = TokenMint()
        async with connect_redis(servers.redis_state.url) as redis:
            await mint.publish(redis)
        yield RunningServices(servers, TestDatabases(servers), mint)
    finally:
        await asyncio.to_thread(servers.close)


@contextlib.asynccontextmanager
async def baseline(folder: Path) -> AsyncIterator[int]:
    """Runs the bare route and yields its port."""
    port, log = free_port(), folder / "bare.log"
    with process([sys.executable, bare.__file__, str(port)], log):
        await _ready(f"http://127.0.0.1:{port}{bare.PATH}", log)
        yield port


@contextlib.contextmanager
def process(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Runs a process inside the block."""
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as running:
        try:
            yield
        finally:
            running.terminate()
            running.wait(20)


async def _ready(url: str, log: Path) -> None:
    try:
        async with asyncio.timeout(READY_S), httpx.AsyncClient(trust_env=False) as http:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(url)).is_success:
                        return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise RuntimeError(f"{url} was not ready in {READY_S} s: {log.read_text()[-2_000:]}") from None
