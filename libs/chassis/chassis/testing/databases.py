"""Migrated databases for tests: each service is migrated once per session into a template, and cloned from it (0.1 to 0.2 s)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from pydantic import SecretStr
from sqlalchemy import make_url

from chassis.migrations import run_migrations
from chassis.servers import MIGRATOR, NotReady, new_secret
from chassis.servers.ports import LOOPBACK
from chassis.settings import DatabaseSettings
from chassis.testing.workplace import PROBE_ROLE, TestServers

LOGIN_POLL_S = 0.02
LOGIN_TIMEOUT_S = 120.0
PATIENCE_S = 60.0
"""For a connection, where a service in the field says after 2 s that it is unavailable: a busy machine is slow, and not down."""


class TestDatabases:
    """Makes and drops databases on the session's PostgreSQL, reached through its PgBouncer."""

    __test__ = False

    def __init__(self, servers: TestServers) -> None:
        self._servers = servers
        self._templates: dict[str, str] = {}
        self._users: dict[str, str] = {}

    async def clone(self, service: str, package: ModuleType | Path) -> DatabaseSettings:
        """A database of its own with the service's newest schema."""
        if service not in self._templates:
            self._templates[service] = await self._make_template(service, package)
        database = self._servers.next_name(f"test_{service}")
        await self._create(database, service, self._templates[service])
        return self._settings(service, database)

    async def drop(self, databases: Iterable[DatabaseSettings]) -> None:
        """Also under the feet of PgBouncer's idle connections."""
        await self._servers.running("postgres")  # a fault test may have killed it
        connection = await self._servers.postgres.connect()
        try:
            for settings in databases:
                name = make_url(settings.url.get_secret_value()).database
                await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await connection.close()

    async def _make_template(self, service: str, package: ModuleType | Path) -> str:
        await self._admit(service)
        template = f"template_{service}"
        await self._create(template, service, "template1")
        await asyncio.to_thread(run_migrations, service, package, self._direct_url(template))
        return template

    async def _create(self, database: str, service: str, template: str) -> None:
        connection = await self._servers.postgres.connect()
        try:
            await connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        finally:
            await connection.close()
        await self._servers.postgres.ensure_roles(database, {service: self._users[service]})

    async def _admit(self, service: str) -> None:
        """Make the role known to PgBouncer, which reads its users again on SIGHUP, in its own time."""
        if service in self._users:
            return
        self._users[service] = new_secret()
        bouncer = self._servers.pgbouncer
        await self._servers.postgres.ensure_roles("gtvision", self._users)
        bouncer.write_users({PROBE_ROLE: self._servers.secrets[PROBE_ROLE], **self._users})
        os.kill(self._servers.runner.pid(bouncer.name), signal.SIGHUP)
        async with asyncio.timeout(LOGIN_TIMEOUT_S):
            while not await self._admitted(service):  # noqa: ASYNC110 - PgBouncer announces nothing
                await asyncio.sleep(LOGIN_POLL_S)

    async def _admitted(self, service: str) -> bool:
        try:
            await self._servers.pgbouncer.login(service)
        except NotReady:
            return False
        return True

    def _settings(self, service: str, database: str) -> DatabaseSettings:
        address = f"{service}:{self._users[service]}@{LOOPBACK}:{self._servers.pgbouncer.port}"
        return DatabaseSettings(
            url=SecretStr(f"postgresql+asyncpg://{address}/{database}"),
            migration_url=SecretStr(self._direct_url(database)),
            timeout_s=PATIENCE_S,
        )

    def _direct_url(self, database: str) -> str:
        address = f"{MIGRATOR}:{self._servers.secrets[MIGRATOR]}@{LOOPBACK}:{self._servers.postgres.port}"
        return f"postgresql+asyncpg://{address}/{database}"
