"""The local servers: only our secret opens them, they are seen from loopback only, and a crashed run is no obstacle."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aio_pika
import asyncpg
import psutil
import pytest
from aio_pika.exceptions import AMQPError

from chassis.amqp import connect
from chassis.servers import (
    DATABASE,
    MIGRATOR,
    SUPERUSER,
    BinaryMissing,
    FolderUnreachable,
    NotReady,
    PgBouncer,
    Postgres,
    ProcessSpec,
    RabbitMq,
    RabbitPorts,
    Redis,
    ServerError,
    ServerRunner,
    free_port,
    free_ports,
    new_secret,
    start_process,
)
from chassis.servers.leftovers import end_leftovers, leftover_processes
from chassis.servers.process import base_env, find_binary, run_command
from chassis.testing.workplace import TestServers

LOOPBACK = {"127.0.0.1", "::1"}


@pytest.fixture
async def runner(data_folder: Path) -> AsyncIterator[ServerRunner]:
    async with ServerRunner(data_folder / "logs") as running:
        yield running


@pytest.fixture
def secrets() -> dict[str, str]:
    return {SUPERUSER: new_secret(), MIGRATOR: new_secret(), "cameras": new_secret()}


def listening_addresses(pid: int) -> set[str]:
    found = set()
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        found |= {item.laddr.ip for item in process.net_connections("inet") if item.status == psutil.CONN_LISTEN}
    return found


def login_error(**options: object) -> str:
    """Why PostgreSQL refuses `psql`; it tries no password of its own."""
    env = {**base_env(), "PGPASSFILE": "/dev/null", "PGCONNECT_TIMEOUT": "3"}
    argv = ["psql", "--no-password", "-c", "select 1", *[f"--{name}={value}" for name, value in options.items()]]
    user = "postgres" if os.geteuid() == 0 else None
    with pytest.raises(ServerError) as refused:
        run_command(argv, env, user, cwd=Path("/"))
    return str(refused.value)


class TestPorts:
    def test_are_distinct_and_never_given_twice(self) -> None:
        first, second = free_ports(20), [free_port() for _ in range(20)]
        assert len({*first, *second}) == 40

    def test_can_be_bound(self) -> None:
        with socket.socket() as server:
            server.bind(("127.0.0.1", free_port()))


class TestProcess:
    def test_inherits_nothing_from_our_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A_SECRET", "must not travel")
        output = tmp_path / "output"
        with output.open("wb") as file:
            process = start_process(ProcessSpec(name="env", argv=["/usr/bin/env"], cwd=tmp_path, env={"A": "1"}), file)
        assert process.wait(10) == 0
        assert output.read_text() == "A=1\n"

    def test_leads_its_own_group_so_that_ctrl_c_does_not_reach_it(self, tmp_path: Path) -> None:
        process = start_process(ProcessSpec(name="sleep", argv=["/bin/sleep", "60"], cwd=tmp_path), subprocess.DEVNULL)
        try:
            assert os.getpgid(process.pid) == process.pid
        finally:
            process.kill()
            process.wait(10)

    def test_names_the_package_of_a_missing_program(self) -> None:
        with pytest.raises(BinaryMissing, match=r"no-such-program is not installed \(Debian package its-package\)"):
            find_binary("no-such-program", package="its-package")


class TestLeftovers:
    @pytest.fixture
    def sleeper(self, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
        process = start_process(ProcessSpec(name="sleep", argv=["/bin/sleep", "60"], cwd=tmp_path), subprocess.DEVNULL)
        yield process
        process.kill()
        process.wait(10)

    def test_are_found_by_program_and_folder(self, tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
        assert [process.pid for process in leftover_processes(tmp_path, {"sleep"})] == [sleeper.pid]

    def test_of_another_program_or_folder_are_left_alone(self, tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
        (tmp_path / "inner").mkdir()
        assert end_leftovers(tmp_path, {"postgres"}) == 0
        assert end_leftovers(tmp_path / "inner", {"sleep"}) == 0
        assert sleeper.poll() is None

    def test_are_ended_even_when_frozen(self, tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
        sleeper.send_signal(signal.SIGSTOP)
        assert end_leftovers(tmp_path, {"sleep"}) == 1
        assert sleeper.poll() is not None


@pytest.mark.db
class TestPostgres:
    async def test_refuses_everybody_without_the_secret(self, postgres: Postgres) -> None:
        assert "no password supplied" in login_error(host="127.0.0.1", port=postgres.port, username=SUPERUSER, dbname="postgres")
        assert "no password supplied" in login_error(host=postgres.data, port=postgres.port, username=SUPERUSER, dbname="postgres")

    async def test_listens_on_loopback_only(self, postgres: Postgres, servers: TestServers) -> None:
        assert listening_addresses(servers.runner.pid("postgres")) <= LOOPBACK

    async def test_is_not_ready_on_a_strangers_port(self, postgres: Postgres, data_folder: Path, secrets: dict[str, str]) -> None:
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
        # the number now belongs to a living stranger: this process
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

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
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


@pytest.mark.broker
class TestRedis:
    @pytest.mark.parametrize(
        ("evictable", "policy", "append_only"), [(True, "allkeys-lru", "no"), (False, "noeviction", "yes")], ids=["cache", "state"]
    )
    async def test_has_its_role(self, runner: ServerRunner, data_folder: Path, evictable: bool, policy: str, append_only: str) -> None:
        server = Redis("redis", data_folder / "redis", free_port(), new_secret(), evictable=evictable)
        await runner.start([server])
        async with server.client() as client:
            assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == policy
            assert (await client.config_get("appendonly"))["appendonly"] == append_only

    async def test_is_not_ready_on_a_strangers_port(self, runner: ServerRunner, data_folder: Path) -> None:
        stranger = Redis("stranger", data_folder / "stranger", free_port(), new_secret(), evictable=True)
        await runner.start([stranger])
        ours = Redis("ours", data_folder / "ours", stranger.port, new_secret(), evictable=True)
        with pytest.raises(NotReady, match="ours on port"):
            await ours.ready()

    async def test_port_that_is_taken_ends_the_start_with_the_log(self, runner: ServerRunner, data_folder: Path) -> None:
        with socket.socket() as stranger:
            stranger.bind(("127.0.0.1", free_port()))
            stranger.listen()
            server = Redis("redis", data_folder / "redis", stranger.getsockname()[1], new_secret(), evictable=True)
            await asyncio.to_thread(runner.launch, server)
            with pytest.raises(ServerError, match="Address already in use"):
                await runner.wait(server)

    async def test_state_survives_sigkill(self, runner: ServerRunner, data_folder: Path) -> None:
        server = Redis("redis", data_folder / "redis", free_port(), new_secret(), evictable=False)
        await runner.start([server])
        async with server.client() as client:
            await client.set("kept", "1")
            await client.bgrewriteaof()
            while (await client.info("persistence"))["aof_rewrite_in_progress"]:
                await asyncio.sleep(0.02)
        runner.kill("redis")
        await runner.start([server])
        async with server.client() as client:
            assert await client.get("kept") == b"1"

    async def test_leftover_of_a_killed_run_is_ended(self, runner: ServerRunner, data_folder: Path) -> None:
        server = Redis("redis", data_folder / "redis", free_port(), new_secret(), evictable=True)
        await runner.start([server])
        old = runner.pid("redis")
        await asyncio.to_thread(server.prepare)  # what a second run does first
        assert not leftover_processes(server.data, {"redis-server"})
        assert old not in {process.pid for process in psutil.process_iter() if process.status() != psutil.STATUS_ZOMBIE}


async def registered_on_disk(server: RabbitMq, queue: bytes) -> None:
    """RabbitMQ 3.10 saves the name of a *new* quorum queue a second late; killed before that, the queue never elects a leader."""
    async with asyncio.timeout(30):
        [names] = (server.data / "mnesia").glob("*/quorum/*/names.dets")
        while queue not in names.read_bytes():
            await asyncio.sleep(0.05)


@pytest.mark.broker
class TestRabbitMq:
    async def test_refuses_guest_and_a_wrong_secret(self, rabbitmq: object, servers: TestServers) -> None:
        port = servers.rabbitmq.ports.amqp
        for user in ("guest:guest", "gtvision:guest"):
            with pytest.raises(AMQPError):
                await connect(f"amqp://{user}@127.0.0.1:{port}/")
        assert [row["user"] for row in json.loads(servers.rabbitmq.ctl("list_users", "--formatter=json"))] == ["gtvision"]

    async def test_everything_listens_on_loopback_only(self, rabbitmq: object, servers: TestServers) -> None:
        assert listening_addresses(servers.runner.pid("rabbitmq")) <= LOOPBACK
        [epmd] = leftover_processes(servers.rabbitmq.data, {"epmd"})
        assert listening_addresses(epmd.pid) <= LOOPBACK

    async def test_secrets_are_on_no_command_line(self, rabbitmq: object, servers: TestServers) -> None:
        cookie = (servers.rabbitmq.data / ".erlang.cookie").read_text()
        command = " ".join(psutil.Process(servers.runner.pid("rabbitmq")).cmdline())
        assert cookie not in command
        assert not any("password" in part for part in command.split())

    async def test_has_the_stacks_policies_in_each_virtual_host(self, rabbitmq: object, servers: TestServers) -> None:
        def policies(vhost: str) -> set[str]:
            return {row["name"] for row in json.loads(servers.rabbitmq.ctl("list_policies", "-p", vhost, "--formatter=json"))}

        vhost = str(rabbitmq.url.get_secret_value()).rpartition("/")[2]  # type: ignore[attr-defined]
        assert policies("/") == policies(vhost)
        assert "gtvision-frames" in policies(vhost)

    async def test_consistent_hash_exchange_is_there(self, rabbitmq: object, servers: TestServers) -> None:
        connection = await connect(servers.rabbitmq.url())
        async with connection:
            channel = await connection.channel()
            await channel.declare_exchange("hashed", "x-consistent-hash", auto_delete=True)

    async def test_comes_back_after_sigkill_and_leaves_no_epmd(self, runner: ServerRunner, data_folder: Path) -> None:
        server = RabbitMq(data_folder / "rabbitmq", RabbitPorts.free(), new_secret())
        await runner.start([server])
        connection = await connect(server.url())
        async with connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
            message = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(message, "kept")
            await registered_on_disk(server, b"2F_KEP")
        runner.kill("rabbitmq")

        # a later run: other ports, another secret, and the old run's epmd still there
        later = RabbitMq(data_folder / "rabbitmq", RabbitPorts.free(), new_secret())
        await runner.start([later])
        connection = await connect(later.url())
        async with connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
            kept = await queue.get(timeout=5)
            assert kept is not None
            assert kept.body == b"kept"
            await kept.ack()
        await asyncio.to_thread(runner.stop)
        assert not leftover_processes(data_folder, {"beam.smp", "epmd"})


AS_ANYBODY = """
import asyncio, sys
from pathlib import Path
from chassis.servers import *

async def main() -> None:
    base = Path(sys.argv[1])
    secrets = {SUPERUSER: new_secret(), MIGRATOR: new_secret(), "cameras": new_secret()}
    postgres = Postgres(base / "postgres", free_port(), secrets, throwaway=True)
    async with ServerRunner(base / "logs") as runner:
        await runner.start([
            postgres,
            Redis("redis", base / "redis", free_port(), new_secret(), evictable=False),
            RabbitMq(base / "rabbitmq", RabbitPorts.free(), new_secret()),
        ])
        bouncer = PgBouncer(base / "pgbouncer", free_port(), postgres.port, {"cameras": secrets["cameras"]})
        await runner.start([bouncer])
    print("all were ready")

asyncio.run(main())
"""


@pytest.mark.db
@pytest.mark.broker
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_everything_works_for_an_ordinary_user(data_folder: Path) -> None:
    for name in ("postgres", "pgbouncer", "rabbitmq-server", "redis-server"):
        try:
            find_binary(name, [*Path("/usr/lib/postgresql").glob("*/bin"), Path("/usr/lib/rabbitmq/bin")])
        except BinaryMissing as missing:
            pytest.skip(str(missing))
    home = data_folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 65534, 65534)
    try:
        run_command([sys.executable, "-c", "import chassis.servers"], base_env(), "nobody", cwd=Path("/"))
    except (ServerError, PermissionError):
        pytest.skip("an ordinary user cannot read this checkout")
    argv = [sys.executable, "-c", AS_ANYBODY, str(home)]
    output = await asyncio.to_thread(run_command, argv, base_env(home), "nobody", home)
    assert "all were ready" in output
