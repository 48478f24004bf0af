"""The table of processes: what the stack consists of, as data (`deploy/local/stack.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gtv.failures import BadTable
from gtv.ports import PortRequest

Use = Literal["database", "broker", "redis", "objects", "vault", "audit", "media", "media-reader", "recordings", "edge"]
"""A part of the stack whose address and secrets a service gets; each gets only what it needs."""


class Process(BaseModel):
    """One line of the table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    kind: Literal["server", "media", "service", "console", "playback", "edge", "demo"]
    """server: servers knows it; service: `python -m <package> <role>`."""
    package: str | None = None
    service: str | None = None
    """SERVICE_NAME where it differs from the process's name (a second process of the same service)."""
    role: str = "api"
    migrate: bool = False
    """`python -m <package> migrate` runs before it."""
    bootstrap: bool = False
    """`python -m <package> bootstrap` makes the first tenant and administrator, once, after the migration."""
    uses: tuple[Use, ...] = ()
    needs: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    """Further ports; `name/udp` for UDP. A service's own two follow from its role."""
    env: dict[str, str] = Field(default_factory=dict)
    """Defaults that the operator's environment overrides."""
    demo_env: dict[str, str] = Field(default_factory=dict)
    """Further defaults, only while the demo runs."""
    memory_mb: int | None = Field(None, gt=0)
    """Expected resident memory; `gtv status` marks what needs more."""

    @model_validator(mode="after")
    def _complete(self) -> Process:
        if (self.kind == "service") != (self.package is not None):
            raise ValueError(f"{self.name}: a service, and nothing else, names its package")
        return self

    @property
    def has_api(self) -> bool:
        """Whether it has a public port behind the edge."""
        return self.kind == "service" and self.role == "api"

    @property
    def service_name(self) -> str:
        """SERVICE_NAME."""
        return self.service or self.name

    def port_requests(self, edge_host: str, asked: Container[str] = ()) -> Iterator[PortRequest]:
        """Returns the ports that the process needs. Some exist only where they are `asked` for by name."""
        if self.has_api or self.kind in {"console", "playback"}:
            yield PortRequest(self.name)
        if self.kind in {"service", "edge"}:
            yield PortRequest(f"{self.name}-private")
        if self.kind == "edge":
            yield PortRequest("edge", edge_host, preferred=8443)
            yield PortRequest("edge-http", edge_host, preferred=8080)
            # carried through to the media server where it is asked for
            yield from (PortRequest(name, edge_host) for name in ("edge-rtsp", "edge-rtmp") if name in asked)
        for port in self.ports:
            name, _, protocol = port.partition("/")
            yield PortRequest(name, edge_host if protocol == "udp" else "127.0.0.1", udp=protocol == "udp")


class Table(BaseModel):
    """All processes, in the order in which `gtv status` lists them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    process: tuple[Process, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Table:
        names = [process.name for process in self.process]
        if len(set(names)) != len(names):
            raise ValueError("a name occurs twice")
        for index, process in enumerate(self.process):
            if unknown := set(process.needs) - set(names[:index]):
                raise ValueError(f"{process.name} needs {', '.join(sorted(unknown))}, which must stand before it")
        return self

    def port_requests(self, edge_host: str, asked: Container[str] = ()) -> list[PortRequest]:
        """Returns every port that the stack needs."""
        return [request for process in self.process for request in process.port_requests(edge_host, asked)]


def load(path: Path) -> Table:
    """Read the table. Raises: BadTable."""
    try:
        return Table.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadTable(f"{path}: {error}") from error
