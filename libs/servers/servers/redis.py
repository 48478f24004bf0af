"""Redis in its two roles: a cache that may forget, and state that must not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from redis.asyncio import Redis as RedisClient
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from servers.accounts import make_folder, unprivileged_user
from servers.children import end_leftovers
from servers.failures import NotReady
from servers.files import write_private
from servers.ports import LOOPBACK
from servers.process import LocalServer, ProcessSpec, base_env, find_binary

USER = "redis"
"""Account of the Debian package."""
LOGIN_TIMEOUT_S = 2.0
PATIENCE_S = 30.0
CACHE_MAX_MB = 64

_COMMON = """bind {host}
port {port}
protected-mode yes
requirepass {password}
dir "{data}"
daemonize no
tcp-keepalive 60
save ""
"""

_CACHE = f"""appendonly no
maxmemory {CACHE_MAX_MB}mb
maxmemory-policy allkeys-lru
"""

_STATE = """appendonly yes
appendfsync everysec
maxmemory-policy noeviction
"""


class Redis(LocalServer):
    """`evictable` makes it a cache (least recently used goes first, nothing on disk); otherwise it never evicts and keeps its data."""

    def __init__(self, name: str, data: Path, port: int, password: str, *, evictable: bool) -> None:
        self.name = name
        self.data = data
        self.port = port
        self._password = password
        self._evictable = evictable

    @property
    def url(self) -> str:
        """With the password."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    def client(self) -> RedisClient:
        """Logs in at the first command and does not try again; close it."""
        return RedisClient.from_url(self.url, socket_timeout=PATIENCE_S, retry=Retry(NoBackoff(), 0))

    def prepare(self) -> None:
        find_binary("redis-server")
        user = unprivileged_user(USER)
        end_leftovers(self.data)
        make_folder(self.data, user)
        common = _COMMON.format(host=LOOPBACK, port=self.port, password=self._password, data=self.data)
        write_private(self.data / "redis.conf", common + (_CACHE if self._evictable else _STATE), user)

    def spec(self) -> ProcessSpec:
        return ProcessSpec(
            argv=[str(find_binary("redis-server")), str(self.data / "redis.conf")],
            cwd=self.data,
            env=base_env(self.data),
            user=unprivileged_user(USER),
        )

    async def ready(self) -> None:
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S), self.client() as client:
                await client.ping()
        except (RedisError, OSError, TimeoutError) as problem:
            raise NotReady(f"{self.name} on port {self.port}: {problem}") from problem
