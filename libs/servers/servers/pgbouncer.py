"""PgBouncer in transaction mode. It knows verifiers only: a client's SCRAM proof is passed on to PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from servers.accounts import make_folder, unprivileged_user
from servers.children import end_leftovers
from servers.failures import NotReady
from servers.files import write_private
from servers.ports import LOOPBACK
from servers.postgres import DATABASE, SUPERUSER
from servers.process import LocalServer, ProcessSpec, base_env, find_binary
from servers.secrets import scram_verifier

LOGIN_TIMEOUT_S = 3.0

# server_login_retry: with the default of 15 s a restart of PostgreSQL of 1.5 s becomes an outage of 15 s.
# pkt_buf: a page of a list passes in one piece; with the default of 4 KiB it took half as much CPU again.
# query_wait_timeout: a caller learns soon that the database is away, instead of hanging for 120 s.
_CONFIG = """[databases]
* = host={host} port={postgres_port}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 10
max_client_conn = 500
max_db_connections = 80
server_login_retry = 1
query_wait_timeout = 10
server_connect_timeout = 5
server_idle_timeout = 60
server_tls_sslmode = disable
client_tls_sslmode = disable
log_connections = 0
log_disconnections = 0
stats_period = 600
pkt_buf = 32768
"""


class PgBouncer(LocalServer):
    """The pooler in front of every service. `users` maps login roles to passwords; ready means that the first of them gets through."""

    name = "pgbouncer"

    def __init__(self, data: Path, port: int, postgres_port: int, users: Mapping[str, str]) -> None:
        self.data = data
        self.port = port
        self._postgres_port = postgres_port
        self._users = {role: password for role, password in users.items() if role != SUPERUSER}

    def prepare(self) -> None:
        user = unprivileged_user(SUPERUSER)
        find_binary("pgbouncer")
        make_folder(self.data, user)
        end_leftovers(self.data)
        users = self.data / "users.txt"
        self.write_users(self._users)
        config = _CONFIG.format(host=LOOPBACK, postgres_port=self._postgres_port, port=self.port, users=users)
        write_private(self.data / "pgbouncer.ini", config, user)

    def write_users(self, users: Mapping[str, str]) -> None:
        """Replaces the roles that may log in; a running PgBouncer reads it after SIGHUP."""
        self._users = dict(users)
        lines = "".join(f'"{role}" "{scram_verifier(role, password)}"\n' for role, password in sorted(users.items()))
        write_private(self.data / "users.txt", lines, unprivileged_user(SUPERUSER))

    def spec(self) -> ProcessSpec:
        return ProcessSpec(
            argv=[str(find_binary("pgbouncer")), str(self.data / "pgbouncer.ini")],
            cwd=self.data,
            env=base_env(self.data),
            user=unprivileged_user(SUPERUSER),
        )

    async def ready(self) -> None:
        await self.login(next(iter(self._users)))

    async def login(self, role: str) -> None:
        """Log in as one of the users, through to PostgreSQL, and out again. Raises: NotReady."""
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S):
                await self._ask_as(role)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
            raise NotReady(f"pgbouncer on port {self.port}: {problem or type(problem).__name__}") from problem

    async def _ask_as(self, role: str) -> None:
        connection = await asyncpg.connect(
            host=LOOPBACK, port=self.port, user=role, password=self._users[role], database=DATABASE, ssl=False, statement_cache_size=0
        )
        try:
            await connection.execute("SELECT 1")
            await connection.close()
        finally:
            connection.terminate()  # a polite close of a statement that timed out would wait for the pooler's own timeout
