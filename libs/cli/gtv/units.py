"""From the table of processes to units that the supervisor can keep running."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chassis.topology import POLICIES
from gtv import edge, frontage, mediaserver
from gtv.composition import API_USER, HOST
from gtv.credentials import SERVICE_ROLES, first_password
from gtv.failures import GtvError
from gtv.home import Home
from gtv.plan import Plan
from gtv.probes import HttpProbes
from gtv.table import Process
from servers import BinaryMissing, LocalServer, Nginx, NodeNginx, PgBouncer, Postgres, ProcessSpec, RabbitMq, RabbitPorts, Redis
from servers.accounts import account_of, unprivileged_user
from servers.files import read_json, write_json, write_private
from servers.units import Pace, Unit

CLIPS_PACE = Pace(start_s=900)
"""The demo cameras render their clips at the first start."""


@dataclass
class UnitBuilder:
    """Makes the supervisor's units from the lines of the table."""

    plan: Plan
    probes: HttpProbes = field(default_factory=HttpProbes)
    demo: bool = False
    """Whether the demo cameras are wanted; read again at each start of a process."""

    def all(self) -> Iterator[Unit]:
        """Every process that is wanted, in the table's order."""
        for process in self.plan.table.process:
            if process.kind != "demo" or self.demo:
                yield from self.of(process)

    def of(self, process: Process) -> Iterator[Unit]:
        """The units of one line: a service brings its migration."""
        match process.kind:
            case "server":
                yield self._server(process)
            case "service":
                yield from self._service(process)
            case "media":
                yield self._media(process)
            case "console":
                yield self._console(process)
            case "playback":
                yield self._playback(process)
            case "edge":
                yield self._edge(process)
            case "demo":
                yield self._cameras(process)

    def _server(self, process: Process) -> Unit:
        return self._of(self._make_server(process.name), process)

    def _of(self, server: LocalServer, process: Process) -> Unit:

        def spec() -> ProcessSpec:
            server.prepare()
            return server.spec()

        async def ready(_pid: int) -> None:
            await server.ready()

        return Unit(process.name, spec, ready, needs=process.needs, after_start=server.after_start, after_stop=server.after_stop)

    def _make_server(self, name: str) -> LocalServer:
        numbers, secrets, data = self.plan.composition.ports, self.plan.secrets, self.plan.home.root / name
        match name:
            case "postgres":
                return Postgres(data, numbers["postgres"], secrets.roles)
            case "pgbouncer":
                users = {role: secrets.roles[role] for role in SERVICE_ROLES}
                return PgBouncer(data, numbers["pgbouncer"], numbers["postgres"], users)
            case "redis-cache" | "redis-state":
                return Redis(name, data, numbers[name], secrets.parts[name.replace("-", "_")], evictable=name == "redis-cache")
            case "rabbitmq":
                erlang = RabbitPorts(numbers["rabbitmq"], numbers["rabbitmq-distribution"], numbers["rabbitmq-epmd"])
                return RabbitMq(data, erlang, secrets.parts["rabbitmq"], POLICIES)
        raise ValueError(f"there is no class for a server named {name}")

    def _service(self, process: Process) -> Iterator[Unit]:
        assert process.package is not None
        composition, needs = self.plan.composition, process.needs
        if process.migrate:
            task = f"{process.name}-migrate"
            yield Unit(
                task, self._python(process.package, "migrate", lambda: composition.migration(process)), needs=("pgbouncer",), once=True
            )
            needs += (task,)
        if process.bootstrap and not (self.plan.home.root / "bootstrapped").exists():
            yield self._bootstrap(process, needs[-1:])
            needs += ("bootstrap",)
        private = composition.url(f"{process.name}-private")
        yield Unit(
            process.name,
            self._python(process.package, process.role, lambda: composition.service(process, demo=self.demo)),
            ready=self.probes.answers(f"{private}/health/ready"),
            alive=self.probes.answers(f"{private}/health/live"),
            needs=needs,
        )

    def _bootstrap(self, process: Process, needs: tuple[str, ...]) -> Unit:
        assert process.package is not None
        options, home = self.plan.options, self.plan.home

        def document() -> bytes:
            if options.admin_password is not None:
                password = options.admin_password.get_secret_value()
            else:
                # written down before it is used, and until it was shown: after a crash in between the first login must still work
                password = first_login(home).get("password") or first_password()
                write_json(home.root / "first-login.json", {"email": options.admin_email, "password": password})
            person: dict[str, object] = {"tenant": options.tenant, "admin_email": options.admin_email, "admin_password": password}
            # no person chose a generated password: the one who signs in with it first has to
            person["must_change"] = options.admin_password is None
            return json.dumps({**person, "tool_key": self.plan.secrets.tool_key}).encode()

        async def done() -> None:
            (home.root / "bootstrapped").touch()

        spec = self._python(process.package, "bootstrap", lambda: self.plan.composition.service(process))
        return Unit("bootstrap", spec, needs=needs, once=True, stdin=document, after_start=done)

    def _python(self, package: str, role: str, env: Callable[[], dict[str, str]]) -> Callable[[], ProcessSpec]:
        return lambda: self._program([sys.executable, "-m", package, role], env())

    def _program(self, argv: Sequence[str], env: Mapping[str, str]) -> ProcessSpec:
        """Returns how to start a program of ours. Under another account it gets a home of its own, since it cannot read root's."""
        account, work = self.plan.account, self.plan.home.work
        return ProcessSpec(argv, work, env if account is None else {**env, "HOME": str(work)}, account)

    def _media(self, process: Process) -> Unit:
        plan = self.plan
        file = plan.home.work / "mediamtx.yml"
        hosts = {"edge_host": plan.options.edge_host, "public_host": plan.public_host}

        def spec() -> ProcessSpec:
            production = (plan.root / "mediamtx/mediamtx.yml").read_text()
            write_private(file, mediaserver.render(production, plan.composition, **hosts), plan.account)
            real = mediaserver.find_mediamtx(plan.composition.inherited)
            argv = [real, str(file)] if real else [sys.executable, "-m", "media_standin", "--config", str(file)]
            return self._program(argv, plan.composition.plain())

        url = f"{plan.composition.url('media-api')}/v3/info"
        auth = (API_USER, plan.secrets.parts["media_api"])
        probe = self.probes.belongs(url, plan.composition.ports["media-api"], auth)
        return Unit(process.name, spec, probe, needs=process.needs)

    def _console(self, process: Process) -> Unit:
        root, port = self.plan.root, self.plan.composition.ports[process.name]
        template, folder = root / "nginx/nginx.conf.template", self.plan.home.root / "nginx"
        return self._of(Nginx(process.name, folder, port, template=template, console=root / "console", user=self.plan.account), process)

    def _playback(self, process: Process) -> Unit:
        home, ports = self.plan.home, self.plan.composition.ports
        paths = {"template": self.plan.root / "nginx/node.conf.template", "recordings": home.recordings}
        agent = f"{HOST}:{ports['recorder-private']}"
        folder = home.root / process.name
        return self._of(NodeNginx(process.name, folder, ports[process.name], **paths, agent=agent, user=self.plan.account), process)

    def _cameras(self, process: Process) -> Unit:
        plan = self.plan
        rtsp, truth = plan.composition.ports["demo-rtsp"], plan.composition.ports["demo-truth"]
        argv = [sys.executable, "-m", "demo_cameras", "serve", "--data", str(plan.home.demo)]
        argv += ["--rtsp-port", str(rtsp), "--http-port", str(truth)]
        probe = self.probes.answers(f"{plan.composition.url('demo-truth')}/health")
        return Unit(process.name, lambda: self._program(argv, plan.composition.plain()), probe, needs=process.needs, pace=CLIPS_PACE)

    def _edge(self, process: Process) -> Unit:
        plan = self.plan
        files = edge.Files(plan.home.edge)
        private = f"{process.name}-private"

        def spec() -> ProcessSpec:
            user, becomes = _edge_users(plan)
            group = account_of(plan.account).get("group")
            try:
                frontage.prepare(plan, files, plan.composition.ports[private], user=user, becomes=becomes, group=group)
            except GtvError as error:
                raise ValueError(str(error)) from error  # a reason not to start, and to try again
            env = plan.composition.plain()
            # it lies in /usr/sbin, which an ordinary user's PATH may lack
            env["PATH"] = f"{env.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
            # SIGUSR1 lets running requests end; `hard-stop-after` bounds it
            return ProcessSpec(
                ["haproxy", "-db", "-f", str(files.config)], files.folder, env, user, () if group is None else (group,), signal.SIGUSR1
            )

        return Unit(process.name, spec, self.probes.answers(f"{plan.composition.url(private)}/health/live"), needs=process.needs)


def first_login(home: Home) -> dict[str, str]:
    """Returns the first administrator's e-mail and password; empty once they were shown."""
    return read_json(home.root / "first-login.json")


def forget_first_login(home: Home) -> None:
    """Removes the first login, once it was shown."""
    (home.root / "first-login.json").unlink(missing_ok=True)


def _edge_users(plan: Plan) -> tuple[str | None, str | None]:
    """The accounts that HAProxy is started as, and that it becomes: its own; where a port needs root, only once the port is open."""
    try:
        account = unprivileged_user("haproxy")
    except BinaryMissing:
        account = plan.account
    low = any(number < 1024 for name, number in plan.composition.ports.items() if name.startswith("edge"))
    return (None, account) if low else (account, None)
