"""`gtv ca`, `gtv maintenance`, `gtv edge`: what an operator does at the edge."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
import yaml
from pydantic import TypeAdapter, ValidationError

from chassis.settings import load
from gtv import maintenance
from gtv.edge import Files, Layout, render
from gtv.failures import BadTable, NotRunning
from gtv.plan import home_of
from gtv.routes import CONSOLE, load_routes
from gtv.settings import Settings, find_root
from servers.files import write_private

app = typer.Typer(no_args_is_help=True, help="The edge outside this stack: compose, or a server of its own.")


class Switch(StrEnum):
    """Position of a switch."""

    ON = "on"
    OFF = "off"


def ca() -> None:
    """Where the certificate of the stack's own authority is, and how a machine comes to trust it."""
    home = home_of(load(Settings))
    if not home.ca_file.exists():
        raise NotRunning("The authority is made with the first `gtv up`.")
    address = home.read_state().get("address", "https://localhost:8443")
    typer.echo(home.ca_file)
    typer.echo(f"curl      curl --cacert {home.ca_file} {address}/health")
    typer.echo(f"Debian    cp {home.ca_file} /usr/local/share/ca-certificates/gtvision.crt && update-ca-certificates")
    typer.echo("browser   settings, certificates, authorities: import. Its key never leaves this machine.")


def maintain(position: Annotated[Switch | None, typer.Argument(help="Without it: how it stands.")] = None) -> None:
    """Close the page and the API for maintenance, or open them. Video goes on."""
    files = Files(home_of(load(Settings)).edge)
    if position is not None and not maintenance.switch(files, on=position is Switch.ON):
        typer.echo("The edge does not run; it will start like this.")
    typer.echo(f"Maintenance is {Switch.ON if maintenance.is_on(files) else Switch.OFF}.")


@app.command("render")
def render_command(
    layout: Annotated[Path, typer.Argument(help="YAML: where everything listens, as haproxy/layout.yml.")],
    out: Annotated[Path, typer.Argument(help="haproxy.cfg to write; it may hold a password.")],
) -> None:
    """Write haproxy.cfg from its template, the table of routes and a layout; it reads a certificate and two maps, see haproxy/README.md."""
    root = find_root(load(Settings))
    place, routes = read_layout(layout), load_routes(root / "deploy/routes.yml")
    protocols = {protocol for node in place.nodes.values() for protocol in node}
    routes = routes.only({*(routes.services if place.kong else place.targets), *protocols})
    if CONSOLE not in place.targets:
        raise BadTable(f"{layout}: there is no target named {CONSOLE}")
    write_private(out, render((root / "haproxy/haproxy.cfg.j2").read_text(), routes, place))
    typer.echo(f"{out}: {len(routes.services)} services, {len(place.nodes)} media nodes{', through Kong' if place.kong else ''}.")


def read_layout(path: Path) -> Layout:
    """From YAML. Raises: BadTable."""
    try:
        return TypeAdapter(Layout).validate_python(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise BadTable(f"{path}: {error}") from error
