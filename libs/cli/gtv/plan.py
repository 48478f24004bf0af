"""What is decided before the first process starts: folder, ports, secrets, addresses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gtv import mediaserver, ports, settings, table
from gtv.composition import HOST, Composition
from gtv.credentials import Credentials, load_or_make
from gtv.home import Home, default_home
from gtv.table import Table


def home_of(options: settings.Settings) -> Home:
    """The data folder that the settings name."""
    return Home(options.data or default_home())


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first process starts."""

    options: settings.Settings
    home: Home
    root: Path
    table: Table
    composition: Composition
    moved: dict[str, tuple[int, int]]
    """Ports that are not where they were expected: name -> (expected, now)."""

    @property
    def address(self) -> str:
        """Where a browser finds the console."""
        return self.composition.public_url

    @property
    def public_host(self) -> str:
        """The name under which browsers reach the edge."""
        return public_host(self.options)

    @property
    def secrets(self) -> Credentials:
        """The generated secrets."""
        return self.composition.secrets


def make_plan(options: settings.Settings, home: Home) -> Plan:
    """Read the files, choose the ports, make the secrets. The folder must be held. Raises: GtvError."""
    env = settings.environment()
    root = settings.find_root(options)
    processes = table.load(options.stack_file or root / "deploy/local/stack.toml")
    assignment = ports.assign(processes.wishes(options.edge_host), asked=settings.asked_ports(env), kept=home.ports_file)
    composition = Composition(
        home=home,
        ports=assignment.ports,
        secrets=load_or_make(home.secrets_file),
        inherited=settings.inherited(env),
        public_url=f"http://{public_host(options)}:{assignment.ports['edge']}",
    )
    return Plan(options, home, root, processes, composition, dict(assignment.moved))


def public_host(options: settings.Settings) -> str:
    """The name under which browsers reach the edge."""
    return options.public_host or (HOST if options.edge_host in mediaserver.ANYWHERE else options.edge_host)
