"""A private RabbitMQ, started by its own scripts: own node name, own cookie, own epmd, everything on loopback.

Users, virtual hosts and policies are one definitions file that the node reads at every start, so no user `guest` is ever
made, a changed secret takes effect, and no command line tool (a second each) has to run after a start.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aio_pika.exceptions import AMQPError

from chassis.amqp import connect
from chassis.topology import Policy
from servers.accounts import make_folder, unprivileged_user
from servers.children import end_leftovers
from servers.failures import NotReady, ServerError
from servers.files import write_private
from servers.ports import LOOPBACK, free_ports
from servers.process import LocalServer, ProcessSpec, base_env, find_binary, run_command
from servers.secrets import new_secret, rabbit_password_hash

USER = "gtvision"
LOGIN_TIMEOUT_S = 5.0
SCRIPTS = Path("/usr/lib/rabbitmq/bin")  # not the wrappers in /usr/sbin, which change user and insist on /var/lib/rabbitmq
ACCOUNT = "rabbitmq"
"""Of the Debian package."""

_CONFIG = """listeners.tcp.default = {host}:{port}
definitions.import_backend = local_filesystem
definitions.local.path = {definitions}
raft.wal_max_size_bytes = 64000000
vm_memory_high_watermark.absolute = 512MiB
disk_free_limit.absolute = 256MiB
log.console = true
log.console.level = warning
log.file = false
"""


@dataclass(frozen=True)
class RabbitPorts:
    """`amqp` is for clients; `distribution` and `epmd` are Erlang's, for the node and its command line."""

    amqp: int
    distribution: int
    epmd: int

    @classmethod
    def free(cls) -> RabbitPorts:
        """Three free ones."""
        return cls(*free_ports(3))


class RabbitMq(LocalServer):
    """One node with the user `gtvision`. `policies` hold in every virtual host that this class makes."""

    name = "rabbitmq"

    def __init__(self, data: Path, ports: RabbitPorts, password: str, policies: Sequence[Policy] = ()) -> None:
        self.data = data
        self.ports = ports
        self._password = password
        self._policies = policies

    def url(self, vhost: str = "/") -> str:
        """With the password."""
        return f"amqp://{USER}:{self._password}@{LOOPBACK}:{self.ports.amqp}/{'' if vhost == '/' else vhost}"

    def prepare(self) -> None:
        find_binary("rabbitmq-server", [SCRIPTS], "rabbitmq-server")
        find_binary("epmd", (), "erlang-base")
        account = unprivileged_user(ACCOUNT)
        end_leftovers(self.data)
        make_folder(self.data, account)
        self._stop_epmd()
        # by the account, whose folder may hold links by now
        run_command(["/bin/mkdir", "-p", "-m", "700", "mnesia", "log", "generated"], base_env(), account, self.data)
        cookie = self.data / ".erlang.cookie"
        if not cookie.exists():
            write_private(cookie, new_secret().replace("-", "x").replace("_", "y"), account)
        definitions = self.data / "definitions.json"
        write_private(definitions, json.dumps(self._definitions(["/"]), indent=1), account)
        config = _CONFIG.format(host=LOOPBACK, port=self.ports.amqp, definitions=definitions)
        write_private(self.data / "rabbitmq.conf", config, account)
        write_private(self.data / "enabled_plugins", "[rabbitmq_consistent_hash_exchange].\n", account)

    def spec(self) -> ProcessSpec:
        return ProcessSpec(
            argv=[str(find_binary("rabbitmq-server", [SCRIPTS], "rabbitmq-server"))],
            cwd=self.data,
            env=self._env(),
            user=unprivileged_user(ACCOUNT),
        )

    async def ready(self) -> None:
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S):
                # a refused connection makes the AMQP library write a line each time; knock first
                _, writer = await asyncio.open_connection(LOOPBACK, self.ports.amqp)
                writer.close()
                await writer.wait_closed()
                connection = await connect(self.url())
                await connection.close()
        except (AMQPError, OSError, TimeoutError) as problem:
            raise NotReady(f"rabbitmq on port {self.ports.amqp}: {problem or type(problem).__name__}") from problem

    def after_stop(self) -> None:
        """Its epmd is a daemon of its own and would stay."""
        self._stop_epmd()

    def add_vhost(self, vhost: str) -> None:
        """A virtual host with the user's permissions and the policies. Blocking, about a second; repeatable."""
        path = self.data / f"vhost-{vhost}.json"
        write_private(path, json.dumps(self._definitions([vhost])), unprivileged_user(ACCOUNT))
        self.ctl("import_definitions", str(path))

    def delete_vhost(self, vhost: str) -> None:
        """With everything in it. Blocking."""
        self.ctl("delete_vhost", vhost)
        (self.data / f"vhost-{vhost}.json").unlink(missing_ok=True)

    def ctl(self, *arguments: str) -> str:
        """Run `rabbitmqctl` against this node; its output. Blocking, about a second."""
        tool = find_binary("rabbitmqctl", [SCRIPTS], "rabbitmq-server")
        return run_command([str(tool), "--quiet", *arguments], self._env(), unprivileged_user(ACCOUNT), self.data)

    def _definitions(self, vhosts: Sequence[str]) -> dict[str, Any]:
        user = {
            "name": USER,
            "password_hash": rabbit_password_hash(self._password),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": ["administrator"],
        }
        return {
            "users": [user],
            "vhosts": [{"name": vhost} for vhost in vhosts],
            "permissions": [{"user": USER, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"} for vhost in vhosts],
            "policies": [_policy(vhost, policy) for vhost in vhosts for policy in self._policies],
        }

    def _env(self) -> dict[str, str]:
        loopback_only = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            **base_env(self.data),  # HOME: where Erlang looks for the cookie
            "RABBITMQ_NODENAME": "gtvision@localhost",
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_MNESIA_BASE": str(self.data / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.data / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.data / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.data / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.data / "rabbitmq"),
            "RABBITMQ_PID_FILE": str(self.data / "rabbitmq.pid"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"+S 2:2 +sbwt none {loopback_only}",
            "RABBITMQ_CTL_ERL_ARGS": loopback_only,
            "RABBITMQ_CTL_DIST_PORT_MAX": "36672",
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            # makes the script *become* the Erlang machine, so that our signals and its death are seen directly
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _stop_epmd(self) -> None:
        """epmd refuses while a node is registered and has no way to fail that matters here."""
        with contextlib.suppress(ServerError):
            run_command([str(find_binary("epmd", (), "erlang-base")), "-kill"], self._env(), unprivileged_user(ACCOUNT), self.data)


def _policy(vhost: str, policy: Policy) -> dict[str, Any]:
    return {
        "vhost": vhost,
        "name": policy.name,
        "pattern": policy.pattern,
        "apply-to": policy.apply_to,
        "definition": dict(policy.definition),
        "priority": policy.priority,
    }
