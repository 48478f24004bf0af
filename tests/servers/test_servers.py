"""Tests of the local servers: only the secret of this run is accepted, they listen on loopback only, and start again after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.fixtures import needs

from servers import (
    BinaryMissing,
    NotReady,
    ProcessSpec,
    Redis,
    ServerError,
    ServerRunner,
    children,
    free_port,
    free_ports,
    new_secret,
    spawn,
)
from servers.children import Child, end_leftovers, leftovers
from servers.process import base_env, find_binary, run_command


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
            process = spawn(ProcessSpec(["/usr/bin/env"], tmp_path, {"A": "1"}), file)
        assert process.wait(300) == 0
        assert output.read_text() == f"A=1\nGTV_STACK={tmp_path}\n"

    def test_leads_its_own_group_so_that_ctrl_c_does_not_reach_it(self, tmp_path: Path) -> None:
        process = spawn(ProcessSpec(["/bin/sleep", "60"], tmp_path), subprocess.DEVNULL)
        try:
            assert os.getpgid(process.pid) == process.pid
        finally:
            children.kill(process.members())
            process.wait(300)

    def test_names_the_package_of_a_missing_program(self) -> None:
        with pytest.raises(BinaryMissing, match=r"no-such-program is not installed \(Debian package its-package\)"):
            find_binary("no-such-program", package="its-package")


class TestLeftovers:
    @pytest.fixture
    def sleeper(self, tmp_path: Path) -> Iterator[Child]:
        process = spawn(ProcessSpec(["/bin/sleep", "60"], tmp_path), subprocess.DEVNULL)
        yield process
        children.kill(process.members())
        process.wait(300)

    def test_are_found_by_their_folder(self, tmp_path: Path, sleeper: Child) -> None:
        assert [process.pid for process in leftovers(tmp_path)] == [sleeper.pid]
        assert [process.pid for process in leftovers(tmp_path.parent)] == [sleeper.pid]

    def test_of_another_folder_are_left_alone(self, tmp_path: Path, sleeper: Child) -> None:
        (tmp_path / "inner").mkdir()
        assert end_leftovers(tmp_path / "inner") == 0
        assert sleeper.exit_code() is None

    def test_an_operators_own_shell_is_no_leftover(self, tmp_path: Path) -> None:
        with subprocess.Popen(["/bin/sleep", "60"], cwd=tmp_path) as shell:
            assert end_leftovers(tmp_path) == 0
            assert shell.poll() is None
            shell.kill()

    def test_are_ended_even_when_frozen(self, tmp_path: Path, sleeper: Child) -> None:
        os.kill(sleeper.pid, signal.SIGSTOP)
        assert end_leftovers(tmp_path) == 1
        assert sleeper.exit_code() is not None


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

    async def test_is_not_ready_on_a_port_of_another_program(self, runner: ServerRunner, data_folder: Path) -> None:
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
        await asyncio.to_thread(server.prepare)  # the first step of a second run
        assert not leftovers(server.data)
        with contextlib.suppress(psutil.NoSuchProcess):
            assert psutil.Process(old).status() == psutil.STATUS_ZOMBIE


AS_ORDINARY_USER = """
import asyncio, sys
from pathlib import Path
from servers import *

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
@needs.needs_root
async def test_everything_works_for_an_ordinary_user(data_folder: Path) -> None:
    for name in ("postgres", "pgbouncer", "rabbitmq-server", "redis-server"):
        try:
            find_binary(name, [*Path("/usr/lib/postgresql").glob("*/bin"), Path("/usr/lib/rabbitmq/bin")])
        except BinaryMissing as missing:
            needs.left_out(str(missing))
    home = data_folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 65534, 65534)
    try:
        run_command([sys.executable, "-c", "import servers"], base_env(), "nobody", cwd=Path("/"))
    except (ServerError, PermissionError):
        needs.lacks("a checkout that other users may read")
    argv = [sys.executable, "-c", AS_ORDINARY_USER, str(home)]
    output = await asyncio.to_thread(run_command, argv, base_env(home), "nobody", home)
    assert "all were ready" in output


def test_a_tool_that_hangs_is_a_failure_that_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servers.process.TOOL_TIMEOUT_S", 0.2)
    with pytest.raises(ServerError, match="sleep did not end"):
        run_command(["sleep", "600"], base_env())
