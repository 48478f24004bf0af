"""Tests of PostgreSQL and PgBouncer: only the secret of this run is accepted, and they start again after a crash."""

from __future__ import annotations

import os
from pathlib import Path

import asyncpg
import pytest
from tests.chassis.listening import LOOPBACK, listening_addresses
from tests.fixtures import needs
from tests.fixtures.workplace import TestServers

from servers import (
    DATABASE,
    SUPERUSER,
    FolderUnreachable,
    NotReady,
    PgBouncer,
    Postgres,
    ServerError,
    ServerRunner,
    free_port,
    new_secret,
)
from servers.process import base_env, run_command


def login_error(**options: object) -> str:
    """Returns the error with which PostgreSQL refuses `psql`, which takes no password from files."""
    env = {**base_env(), "PGPASSFILE": "/dev/null", "PGCONNECT_TIMEOUT": "60"}
    argv = ["psql", "--no-password", "-c", "select 1", *[f"--{name}={value}" for name, value in options.items()]]
    user = "postgres" if os.geteuid() == 0 else None
    with pytest.raises(ServerError) as refused:
        run_command(argv, env, user, cwd=Path("/"))
    return str(refused.value)


@pytest.mark.db
class TestPostgres:
    async def test_needs_the_secret(self, postgres: Postgres) -> None:
        assert "no password supplied" in login_error(host="127.0.0.1", port=postgres.port, username=SUPERUSER, dbname="postgres")
        assert "no password supplied" in login_error(host=postgres.data, port=postgres.port, username=SUPERUSER, dbname="postgres")

    async def test_listens_on_loopback_only(self, postgres: Postgres, servers: TestServers) -> None:
        assert listening_addresses(servers.runner.pid("postgres")) <= LOOPBACK

    async def test_is_not_ready_on_a_port_of_another_program(self, postgres: Postgres, data_folder: Path, secrets: dict[str, str]) -> None:
        ours = Postgres(data_folder / "postgres", postgres.port, secrets)
        with pytest.raises(NotReady, match="password authentication failed"):
            await ours.ready()

    async def test_stores_no_password(self, postgres: Postgres) -> None:
        connection = await postgres.connect()
        try:
            stored = await connection.fetch("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")
            assert all(row["rolpassword"].startswith("SCRAM-SHA-256$4096:") for row in stored)
            assert await connection.fetchval("SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0
        finally:
            await connection.close()

    async def test_service_role_owns_nothing_and_cannot_make_schemas(self, postgres: Postgres, servers: TestServers) -> None:
        secret = new_secret()
        await postgres.ensure_roles(DATABASE, {"lonely": secret})
        connection = await self.connect_as("lonely", secret, postgres)
        try:
            assert await connection.fetchval("SELECT current_setting('search_path')") == "lonely"
            assert await connection.fetchval("SELECT current_setting('statement_timeout')") == "30s"
            for forbidden in (
                "CREATE SCHEMA lonely",
                "CREATE TABLE public.t (i int)",
                "SET ROLE lonely_owner",
                "SET ROLE gtvision_migrator",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(forbidden)
        finally:
            await connection.close()

    async def test_changed_secret_takes_effect(self, postgres: Postgres) -> None:
        old, new = new_secret(), new_secret()
        await postgres.ensure_roles(DATABASE, {"changing": old})
        await postgres.ensure_roles(DATABASE, {"changing": new})
        await (await self.connect_as("changing", new, postgres)).close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await self.connect_as("changing", old, postgres)

    @staticmethod
    async def connect_as(role: str, password: str, postgres: Postgres) -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(host="127.0.0.1", port=postgres.port, user=role, password=password, database=DATABASE, ssl=False)

    async def test_survives_sigkill_a_stale_pid_file_and_keeps_its_data(
        self, runner: ServerRunner, data_folder: Path, secrets: dict[str, str]
    ) -> None:
        server = Postgres(data_folder / "postgres", free_port(), secrets, throwaway=True)
        await runner.start([server])
        connection = await server.connect()
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await connection.close()
        pid_file = server.cluster / "postmaster.pid"
        stale = pid_file.read_text().splitlines()
        runner.kill("postgres")
        # the number now belongs to another living process: this one
        pid_file.write_text("\n".join([str(os.getpid()), *stale[1:]]) + "\n")

        await runner.start([server])
        connection = await server.connect()
        try:
            assert await connection.fetchval("SELECT answer FROM kept") == 42
        finally:
            await connection.close()

    async def test_interrupted_initdb_is_begun_again(self, runner: ServerRunner, data_folder: Path, secrets: dict[str, str]) -> None:
        server = Postgres(data_folder / "postgres", free_port(), secrets, throwaway=True)
        (server.data / "cluster.new" / "base").mkdir(parents=True)
        await runner.start([server])
        await server.ready()

    @needs.needs_root
    def test_says_when_its_user_cannot_reach_the_folder(self, data_folder: Path, secrets: dict[str, str]) -> None:
        closed = data_folder / "home"
        closed.mkdir(mode=0o700)
        with pytest.raises(FolderUnreachable, match="cannot be reached by user postgres"):
            Postgres(closed / "postgres", free_port(), secrets).prepare()


@pytest.mark.db
class TestPgBouncer:
    async def test_passes_a_login_through_and_refuses_a_wrong_one(self, pgbouncer: PgBouncer, servers: TestServers) -> None:
        await pgbouncer.login("probe")
        wrong = PgBouncer(pgbouncer.data, pgbouncer.port, 0, {"probe": "wrong"})
        with pytest.raises(NotReady, match="authentication failed"):
            await wrong.ready()

    async def test_knows_no_password(self, pgbouncer: PgBouncer, servers: TestServers) -> None:
        text = (pgbouncer.data / "users.txt").read_text()
        assert '"probe" "SCRAM-SHA-256$4096:' in text
        assert servers.secrets["probe"] not in text

    async def test_pools_transactions(self, pgbouncer: PgBouncer, servers: TestServers) -> None:
        """Ten clients that each run a statement share a few server connections."""

        async def backend() -> int:
            connection = await asyncpg.connect(
                host="127.0.0.1",
                port=pgbouncer.port,
                user="probe",
                password=servers.secrets["probe"],
                database=DATABASE,
                ssl=False,
                statement_cache_size=0,
            )
            try:
                return int(await connection.fetchval("SELECT pg_backend_pid()"))
            finally:
                await connection.close()

        assert len({await backend() for _ in range(10)}) == 1

    async def test_is_back_soon_after_postgres_was_killed(self, pgbouncer: PgBouncer, servers: TestServers) -> None:
        servers.runner.kill("postgres")
        with pytest.raises(NotReady):
            await pgbouncer.ready()
        await servers.running("postgres")
        await servers.running("pgbouncer")
        await pgbouncer.ready()

    async def test_listens_on_loopback_only(self, pgbouncer: PgBouncer, servers: TestServers) -> None:
        assert listening_addresses(servers.runner.pid("pgbouncer")) <= LOOPBACK
