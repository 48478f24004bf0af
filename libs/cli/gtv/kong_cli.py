"""`gtv kong`: render, check, push, watch."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from chassis.settings import load
from gtv import jwks
from gtv.failures import GtvError, NotRunning
from gtv.jwks import PublicKey
from gtv.kong import KongSettings, render
from gtv.kong_check import check
from gtv.kong_push import Watch, push
from gtv.plan import home_of
from gtv.routes import Routes, load_routes
from gtv.settings import Settings, find_root

JWKS_PATH = "/api/v1/.well-known/jwks.json"

app = typer.Typer(no_args_is_help=True, help="Kong's configuration, where Kong stands between the edge and the services.")

Jwks = Annotated[str | None, typer.Option(help="identity's keys: an address or a file. With --local: the running installation's.")]
Ca = Annotated[Path | None, typer.Option(help="Certificate of the authority of an https address with its own.")]
Local = Annotated[bool, typer.Option("--local", help="For a Kong on this machine in front of the running installation.")]
Out = Annotated[Path | None, typer.Option(help="File to write; without it, the terminal.")]
Admin = Annotated[str, typer.Option(help="Kong's admin address.")]


@app.command("render")
def render_command(jwks: Jwks = None, ca: Ca = None, local: Local = False, out: Out = None) -> None:
    """Write kong.yml from its template, the table of routes and identity's keys."""
    source = _source(jwks, ca, local=local)
    text = source.render(source.read())
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)


@app.command("check")
def check_command(file: Annotated[Path, typer.Argument(help="A kong.yml.")]) -> None:
    """Say whether a configuration is whole, and whether it leaves something open."""
    try:
        document = check(file.read_text())
    except OSError as error:
        raise GtvError(f"{file} cannot be read: {error}") from error
    services = document["services"]
    routes = sum(len(service["routes"]) for service in services) + len(document["routes"])
    keys = sum(len(consumer["jwt_secrets"]) for consumer in document["consumers"])
    typer.echo(f"{file} is fine: {len(services)} services, {routes} routes, {keys} keys.")


@app.command("push")
def push_command(jwks: Jwks = None, ca: Ca = None, local: Local = False, admin: Admin = "http://127.0.0.1:8001") -> None:
    """Render, and replace the whole configuration of a running Kong."""
    source = _source(jwks, ca, local=local)
    typer.echo("Kong has it now." if push(admin, source.render(source.read())) else "Kong had it already.")


@app.command("watch")
def watch_command(
    jwks: Jwks = None,
    ca: Ca = None,
    local: Local = False,
    admin: Admin = "http://127.0.0.1:8001",
    out: Out = None,
    every: Annotated[float, typer.Option(min=1, max=30, help="Seconds; identity publishes a key 60 s before it signs with it.")] = 10,
) -> None:
    """Keep a running Kong's keys those of identity, until it is ended."""
    source = _source(jwks, ca, local=local)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a container is ended so
    with suppress(KeyboardInterrupt):
        asyncio.run(Watch(source.read, source.render, admin, typer.echo, out, every).run())


@dataclass(frozen=True, slots=True)
class _Source:
    template: str
    routes: Routes
    settings: KongSettings
    targets: Mapping[str, str]
    jwks: str
    ca: Path | None

    def read(self) -> list[PublicKey]:
        return jwks.read(self.jwks, self.ca)

    def render(self, keys: list[PublicKey]) -> str:
        """Rendered and checked."""
        text = render(self.template, self.routes, keys, self.settings, self.targets)
        check(text)
        return text


def _source(address: str | None, ca: Path | None, *, local: bool) -> _Source:
    options = load(Settings)
    root = find_root(options)
    settings, routes, targets = load(KongSettings), load_routes(root / "deploy/routes.yml"), {}
    if local:
        home = home_of(options)
        if not home.is_held():
            raise NotRunning(f"Nothing runs on {home.root}. Start it with `gtv up`.")
        ports: dict[str, int] = home.read_state()["ports"]
        routes = routes.only(ports)
        targets = {name: f"127.0.0.1:{ports[name]}" for name in routes.services}
        settings = settings.model_copy(update={"redis_host": "127.0.0.1", "redis_port": ports["redis-cache"]})
        address = address or f"http://127.0.0.1:{ports['identity']}{JWKS_PATH}"
    if address is None:
        raise GtvError("Say where identity's keys are: --jwks <address or file>, or --local.")
    return _Source((root / "kong/kong.yml.template").read_text(), routes, settings, targets, address, ca)
