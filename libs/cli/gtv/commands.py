"""Commands of services: `gtv keys rotate` runs `python -m identity keys rotate` as the stack itself would start that service.

A service registers them by entry points of the group `gtvision.commands`. Only a command's name and its package are read; nothing of a
service is ever imported here.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points

import typer

from chassis.settings import load
from gtv import settings, table
from gtv.composition import HOST, Composition
from gtv.credentials import load_or_make
from gtv.failures import BadTable, NotRunning
from gtv.home import Home
from servers.files import read_json

GROUP = "gtvision.commands"


def registered() -> dict[str, str]:
    """Returns each command's name with the package that runs it."""
    return {entry.name: entry.module.partition(".")[0] for entry in sorted(entry_points(group=GROUP))}


def run(home: Home, options: settings.Settings, package: str, arguments: Sequence[str]) -> int:
    """Runs a command of a service on our own terminal and returns its exit status. Raises: GtvError."""
    asks_only = not {"-h", "--help"}.isdisjoint(arguments)  # needs no stack
    env = settings.inherited(settings.environment()) if asks_only else environment(home, options, package)
    # -P: nothing is imported from the folder that the operator stands in
    return subprocess.run([sys.executable, "-P", "-m", package, *arguments], env=env, check=False).returncode


def environment(home: Home, options: settings.Settings, package: str) -> dict[str, str]:
    """Returns the environment that the service's own processes were started with; where they differ, the API's. Raises: GtvError."""
    if not home.secrets_file.exists():
        raise NotRunning(f"No stack was ever started on {home.root}. Start it with `gtv up`, or name its folder with GTV_DATA.")
    secrets = load_or_make(home.secrets_file)
    if not home.is_held():
        raise NotRunning(f"Nothing runs on {home.root}, and this needs its database. Start it with `gtv up`.")
    processes = table.load(options.stack_file or settings.find_root(options) / "deploy/local/stack.toml").process
    process = next((each for each in processes if each.package == package and each.has_api), None)
    if process is None:
        raise BadTable(f"No process of the stack belongs to {package}.")
    state = home.read_state()
    composition = Composition(
        home=home,
        ports=state.get("ports") or read_json(home.ports_file),
        secrets=secrets,
        inherited=settings.inherited(settings.environment()),
        public_url=str(state.get("address") or f"http://{HOST}"),
    )
    env: dict[str, str] = {}
    for each in processes:
        if each.package == package and each is not process:
            env |= composition.service(each)
    return env | composition.service(process)


def add_to(app: typer.Typer) -> None:
    """Adds every registered command to gtv's; none can take the place of gtv's own."""
    own = {each.name or getattr(each.callback, "__name__", None) for each in app.registered_commands}
    taken = own | {group.name for group in app.registered_groups}
    for name, package in registered().items():
        if name not in taken:
            _add(app, name, package)


def _add(app: typer.Typer, name: str, package: str) -> None:
    @app.command(
        name,
        help=f"A command of the service {package}; `gtv {name} --help` tells more.",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False},
    )
    def command(context: typer.Context) -> None:
        from gtv.plan import home_of

        options = load(settings.Settings)
        sys.exit(run(home_of(options), options, package, [name, *context.args]))
