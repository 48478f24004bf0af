"""A private PostgreSQL: SCRAM for every login, also on the socket; its roles follow from the secrets that it is given."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from servers.accounts import make_folder, unprivileged_user
from servers.children import end_leftovers
from servers.failures import BinaryMissing, NotReady
from servers.files import write_private
from servers.ports import LOOPBACK
from servers.process import LocalServer, ProcessSpec, base_env, find_binary, run_command
from servers.secrets import scram_verifier

DATABASE = "gtvision"
SUPERUSER = "postgres"
MIGRATOR = "gtvision_migrator"
LOGIN_TIMEOUT_S = 3.0
PATIENCE_S = 30.0
"""For a login to a server that has been ready: a busy machine takes its time to fork."""
STATEMENT_TIMEOUT = "30s"
MAX_SOCKET_PATH = 90  # bytes; the kernel allows 107 including the file's name

_HBA = """local all all scram-sha-256
host  all all 127.0.0.1/32 scram-sha-256
"""

_CONFIG = """listen_addresses = '{host}'
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
hba_file = '{hba}'
max_connections = 100
shared_buffers = 128MB
work_mem = 8MB
maintenance_work_mem = 64MB
max_wal_size = 512MB
checkpoint_timeout = 15min
wal_compression = on
wal_level = replica
max_wal_senders = 2
random_page_cost = 1.1
jit = off
idle_in_transaction_session_timeout = '60s'
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_min_messages = warning
log_min_error_statement = panic
cluster_name = 'gtvision'
"""
# log_min_error_statement: a failing statement may carry personal data, so the log names the error and not the statement

# commits still reach the kernel, so a killed process loses nothing
_THROWAWAY = "fsync = off\nfull_page_writes = off\n"


def owner_of(role: str) -> str:
    """The role without a login that owns a service's schema."""
    return f"{role}_owner"


class Postgres(LocalServer):
    """One cluster in `data`.

    `secrets` maps login roles to passwords and must hold `postgres` (superuser) and `gtvision_migrator`; every other key is a
    service's role. `throwaway` trades crash safety of the machine (not of the process) for speed: tests only.
    """

    name = "postgres"

    def __init__(self, data: Path, port: int, secrets: Mapping[str, str], *, throwaway: bool = False) -> None:
        self.data = data
        self.port = port
        self._secrets = dict(secrets)
        self._throwaway = throwaway

    @property
    def cluster(self) -> Path:
        """PGDATA."""
        return self.data / "cluster"

    def prepare(self) -> None:
        user = unprivileged_user(SUPERUSER)
        _binary("postgres")
        make_folder(self.data, user)
        end_leftovers(self.data)
        if not (self.cluster / "PG_VERSION").exists():
            self._init_cluster(user)
        # its process is gone, since nothing is left over; by the account, whose folder may hold links by now
        run_command(["/bin/rm", "-f", str(self.cluster / "postmaster.pid")], base_env(), user, self.data)
        sockets = self.data if len(str(self.data).encode()) <= MAX_SOCKET_PATH else ""
        config = _CONFIG.format(host=LOOPBACK, port=self.port, sockets=sockets, hba=self.data / "pg_hba.conf")
        write_private(self.data / "pg_hba.conf", _HBA, user)
        write_private(self.data / "postgresql.conf", config + (_THROWAWAY if self._throwaway else ""), user)

    def spec(self) -> ProcessSpec:
        return ProcessSpec(
            argv=[str(_binary("postgres")), "-D", str(self.cluster), "-c", f"config_file={self.data / 'postgresql.conf'}"],
            cwd=self.data,
            env=base_env(self.data),
            user=unprivileged_user(SUPERUSER),
            stop_signal=signal.SIGINT,  # roll back, write a checkpoint, end; SIGTERM would wait for every client to leave
        )

    async def ready(self) -> None:
        connection = await self._login("postgres", LOGIN_TIMEOUT_S)
        await connection.close()

    async def after_start(self) -> None:
        """The database and every role of the secrets, with the passwords that the secrets say today."""
        connection = await self._login("postgres")
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()
        await self.ensure_roles(DATABASE, self._secrets)

    async def ensure_roles(self, database: str, secrets: Mapping[str, str]) -> None:
        """Make or mend login roles (and a service's owner) and what they may do in `database`. Repeatable."""
        connection = await self._login(database)
        try:
            async with connection.transaction():
                # two runs at once would collide in pg_authid
                await connection.execute("SELECT pg_advisory_xact_lock(7233)")
                await self._ensure_login(connection, MIGRATOR, self._secrets[MIGRATOR])
                await connection.execute(f"REVOKE ALL ON DATABASE {_quoted(database)} FROM PUBLIC")
                await connection.execute(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {_quoted(database)} TO {MIGRATOR}")
                for role in sorted(set(secrets) - {SUPERUSER, MIGRATOR}):
                    await self._ensure_service(connection, database, role, secrets[role])
        finally:
            await connection.close()

    async def _ensure_service(self, connection: asyncpg.Connection[asyncpg.Record], database: str, role: str, password: str) -> None:
        owner = owner_of(role)
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", owner):
            await connection.execute(f"CREATE ROLE {_quoted(owner)} NOLOGIN")
        await self._ensure_login(connection, role, password)
        await connection.execute(f"ALTER ROLE {_quoted(role)} SET search_path = {_quoted(role)}")
        await connection.execute(f"ALTER ROLE {_quoted(role)} SET statement_timeout = '{STATEMENT_TIMEOUT}'")
        await connection.execute(f"GRANT {_quoted(owner)} TO {MIGRATOR}")
        await connection.execute(f"GRANT CREATE ON DATABASE {_quoted(database)} TO {_quoted(owner)}")
        await connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {_quoted(database)} TO {_quoted(role)}")

    async def _ensure_login(self, connection: asyncpg.Connection[asyncpg.Record], role: str, password: str) -> None:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {_quoted(role)} LOGIN")
        await connection.execute(f"ALTER ROLE {_quoted(role)} LOGIN PASSWORD '{scram_verifier(role, password)}'")

    async def connect(self, database: str = DATABASE) -> asyncpg.Connection[asyncpg.Record]:
        """A superuser's connection, for set-up and tests."""
        return await self._login(database)

    async def _login(self, database: str, timeout_s: float = PATIENCE_S) -> asyncpg.Connection[asyncpg.Record]:
        try:
            async with asyncio.timeout(timeout_s):
                password = self._secrets[SUPERUSER]
                return await asyncpg.connect(host=LOOPBACK, port=self.port, user=SUPERUSER, password=password, database=database, ssl=False)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
            raise NotReady(f"postgres on port {self.port}: {problem or type(problem).__name__}") from problem

    def _init_cluster(self, user: str | None) -> None:
        """Into a folder of another name first, so that an interrupted initdb is never taken for a cluster."""
        fresh = self.data / "cluster.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        password = self.data / "superuser.password"
        write_private(password, self._secrets[SUPERUSER], user)
        try:
            run_command(
                [
                    *[str(_binary("initdb")), "-D", str(fresh), "--username", SUPERUSER, "--pwfile", str(password)],
                    *["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"],
                    *(["--no-sync"] if self._throwaway else []),
                ],
                base_env(self.data),
                user,
                cwd=self.data,
            )
        finally:
            password.unlink(missing_ok=True)
        fresh.rename(self.cluster)


def _binary(name: str) -> Path:
    """Debian keeps each major version apart and out of PATH: the newest one that has the program."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    try:
        return find_binary(name, folders, "postgresql")
    except BinaryMissing:
        raise BinaryMissing("PostgreSQL is not installed (Debian package postgresql); run `make setup`") from None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
