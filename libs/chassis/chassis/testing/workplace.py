"""The servers of one test session and the folder that they live in."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
from functools import cached_property
from pathlib import Path
from typing import IO

from chassis.servers import (
    MIGRATOR,
    SUPERUSER,
    BinaryMissing,
    LocalServer,
    PgBouncer,
    Postgres,
    RabbitMq,
    RabbitPorts,
    Redis,
    ServerRunner,
    free_port,
    new_secret,
)
from chassis.servers.leftovers import end_leftovers
from chassis.topology import POLICIES

PROBE_ROLE = "probe"
"""A role without a schema, so that PgBouncer has somebody to be asked as before any service exists."""

START_TIMEOUT_S = 300.0
"""What starts within seconds where it runs alone may share two cores with a whole test suite."""

PROGRAMS = {"postgres", "pgbouncer", "redis-server", "beam.smp", "epmd"}


class TestServers:
    """Lazily configured servers; `running(name)` starts one or starts it again after a test killed it."""

    __test__ = False  # not a test class, whatever its name says to pytest

    def __init__(self) -> None:
        self._counter = itertools.count(1)
        self._lock_file: IO[str] | None = None
        self.secrets = {SUPERUSER: new_secret(), MIGRATOR: new_secret(), PROBE_ROLE: new_secret()}

    @cached_property
    def root(self) -> Path:
        """The session's folder; a lock on a file in it says that we live. Dead sessions' folders are swept first."""
        common = _common_folder()
        for folder in common.iterdir():
            _sweep(folder)
        root = Path(tempfile.mkdtemp(prefix="run-", dir=common))
        root.chmod(0o755)  # PostgreSQL's user must pass; the servers' own folders are 0700
        self._lock_file = (root / "lock").open("w")
        fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        return root

    @cached_property
    def runner(self) -> ServerRunner:
        """Kills, stops and starts them by name."""
        return ServerRunner(self.root / "logs")

    @cached_property
    def postgres(self) -> Postgres:
        return Postgres(self.root / "postgres", free_port(), self.secrets, throwaway=True)

    @cached_property
    def pgbouncer(self) -> PgBouncer:
        return PgBouncer(self.root / "pgbouncer", free_port(), self.postgres.port, {PROBE_ROLE: self.secrets[PROBE_ROLE]})

    @cached_property
    def rabbitmq(self) -> RabbitMq:
        return RabbitMq(self.root / "rabbitmq", RabbitPorts.free(), new_secret(), POLICIES)

    @cached_property
    def redis_cache(self) -> Redis:
        return Redis("redis-cache", self.root / "redis-cache", free_port(), new_secret(), evictable=True)

    @cached_property
    def redis_state(self) -> Redis:
        return Redis("redis-state", self.root / "redis-state", free_port(), new_secret(), evictable=False)

    def server(self, name: str) -> LocalServer:
        """By the name that it has in the stack."""
        found: LocalServer = getattr(self, name.replace("-", "_"))
        return found

    async def running(self, name: str) -> None:
        """Start it unless it runs, and wait until it answers. Raises: BinaryMissing, ServerError."""
        server = self.server(name)
        await asyncio.to_thread(self.runner.launch, server)
        await self.runner.wait(server, START_TIMEOUT_S)

    def launch_early(self, name: str) -> None:
        """Start it without waiting; a missing binary is reported when a test asks for the server."""
        with contextlib.suppress(BinaryMissing):
            self.runner.launch(self.server(name))

    def next_name(self, kind: str) -> str:
        """A name that this session has not used."""
        return f"{kind}_{next(self._counter)}"

    def make_folder(self, name: str) -> Path:
        """An empty folder that other users may enter."""
        folder = self.root / name
        folder.mkdir()
        folder.chmod(0o755)
        return folder

    def remove_folder(self, folder: Path) -> None:
        """With everything in it."""
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Stop everything and remove the folder; nothing if nothing was ever started."""
        if "root" not in self.__dict__:
            return
        self.runner.stop()
        shutil.rmtree(self.root, ignore_errors=True)
        if self._lock_file is not None:
            self._lock_file.close()


def _common_folder() -> Path:
    """One per user, outside of homes, which PostgreSQL's user may not enter. Not on a memory file system: databases are large."""
    parent = Path("/var/tmp")  # noqa: S108 - the folder below is made 0755 and must be ours
    if not os.access(parent, os.W_OK):
        parent = Path(tempfile.gettempdir())
    common = parent / f"gtvision-tests-{os.getuid()}"
    common.mkdir(mode=0o755, exist_ok=True)
    if common.is_symlink() or common.stat().st_uid != os.getuid():
        raise PermissionError(f"{common} belongs to somebody else")
    common.chmod(0o755)
    return common


def _sweep(folder: Path) -> None:
    """Remove a session's folder if its session is dead."""
    with contextlib.suppress(OSError), (folder / "lock").open("r") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        end_leftovers(folder, PROGRAMS)
        shutil.rmtree(folder, ignore_errors=True)
