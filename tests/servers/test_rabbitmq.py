"""Tests of RabbitMQ: only the secret of this run is accepted, it listens on loopback only, and starts again after a crash."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import psutil
import pytest
from aio_pika.exceptions import AMQPError
from tests.chassis.listening import LOOPBACK, listening_addresses
from tests.fixtures import needs
from tests.fixtures.workplace import TestServers

from chassis.amqp import connect
from servers import (
    RabbitMq,
    RabbitPorts,
    ServerRunner,
    new_secret,
)
from servers.children import leftovers


async def registered_on_disk(server: RabbitMq, queue: bytes) -> None:
    """Waits until a new quorum queue is saved: RabbitMQ 3.10 does that a second late, and a queue lost before never elects a leader."""
    async with asyncio.timeout(300):
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
        [epmd] = [each for each in leftovers(servers.rabbitmq.data) if each.name() == "epmd"]
        assert listening_addresses(epmd.pid) <= LOOPBACK

    async def test_secrets_are_on_no_command_line(self, rabbitmq: object, servers: TestServers) -> None:
        cookie = (servers.rabbitmq.data / ".erlang.cookie").read_text()
        command = " ".join(psutil.Process(servers.runner.pid("rabbitmq")).cmdline())
        assert cookie not in command
        assert not any("password" in part for part in command.split())

    async def test_has_the_stacks_policies_in_each_virtual_host(self, rabbitmq: object, servers: TestServers) -> None:
        def policies(vhost: str) -> set[str]:
            return {row["name"] for row in json.loads(servers.rabbitmq.ctl("list_policies", "-p", vhost, "--formatter=json"))}

        vhost = urlsplit(rabbitmq.url.get_secret_value()).path.removeprefix("/")  # type: ignore[attr-defined]
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
            kept = await queue.get(timeout=300)
            assert kept is not None
            assert kept.body == b"kept"
            await kept.ack()
        await asyncio.to_thread(runner.stop)
        assert not leftovers(data_folder)


def test_root_changes_nothing_behind_a_link_that_the_account_made(data_folder: Path) -> None:
    if os.geteuid() != 0:
        needs.lacks("root")
    needs.program("rabbitmq-server")
    server = RabbitMq(data_folder / "rabbitmq", RabbitPorts.free(), new_secret())
    server.prepare()
    outside = data_folder / "etc"
    outside.mkdir(mode=0o755)
    (outside / "passwd").write_text("root")
    (outside / "passwd").chmod(0o644)
    (server.data / "log").rmdir()
    (server.data / "log").symlink_to(outside)
    (server.data / ".erlang.cookie").unlink()
    (server.data / ".erlang.cookie").symlink_to(outside / "passwd")
    server.prepare()
    for path, mode in ((outside, 0o755), (outside / "passwd", 0o644)):
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (0, mode)
