"""HAProxy's configuration: `haproxy/haproxy.cfg.j2`, filled in from the table of `deploy/routes.yml` and an installation's layout."""

from __future__ import annotations

import ipaddress
import json
import resource
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar

import jinja2
from pydantic import ConfigDict

from gtv.routes import CONSOLE, DOCUMENTATION, Routes

ERRORS = {
    400: ("malformed_request", "The request is not acceptable HTTP."),
    408: ("request_timeout", "The request did not arrive in time."),
    500: ("internal", "Something went wrong on our side."),
    502: ("bad_gateway", "The service behind this path ended the connection."),
    503: ("unavailable", "The service behind this path is not reachable at the moment."),
    504: ("gateway_timeout", "The service behind this path did not answer in time."),
}
"""Code and detail of HAProxy's own errors, by status."""
MAX_BODY_BYTES = 10_000_000
"""The services' own limit."""
HARD_BODY_BYTES = 64_000_000
"""A larger body is refused with its connection: no service reads it to its end."""
MAX_CONNECTIONS = 4_000
REFILL_S = 10
"""As often as streaming fills the map of cameras."""
MEDIA_NODE = "media-1"
"""The only media node's name, here and in streaming's settings, where none other is given."""
_CONSTANTS = {
    "console": CONSOLE,
    "documentation": DOCUMENTATION,
    "errors": ERRORS,
    "methods": ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
    "connections_per_10s": 2 * MAX_CONNECTIONS,
    "proxy_hops": 5,
    "max_body_bytes": MAX_BODY_BYTES,
    "hard_body_bytes": HARD_BODY_BYTES,
    "maintenance_retry_s": 120,
    "refill_s": REFILL_S,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests a minute and address, unless said otherwise."""

    api: int = 1_000
    login: int = 30
    """Each operation by which a secret can be guessed."""
    admin: int = 30
    """Changes of users, tenants and keys."""
    lanes: int = 600_000
    playback_refusals: int = 100
    """Refused requests for recordings, in ten seconds: keys and tickets that are made up, not files that are gone."""
    live_refusals: int = 1_000
    """Of live video: ten walls of 25 cameras whose views end at once, with the tries of each."""


@dataclass(frozen=True, slots=True)
class Target:
    """The address of a backend, and of its health check."""

    address: str
    health_port: int | None = None
    health_path: str = "/health/live"


@dataclass(frozen=True, slots=True)
class Passage:
    """A TCP port that is carried through to the media nodes: RTSP or RTMP of cameras that publish from behind NAT."""

    name: str
    listen: str
    targets: Sequence[str]
    send_proxy: bool = False
    """Tell the target the camera's address by the PROXY protocol; it must expect it."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files that HAProxy reads, and the socket that it makes."""

    folder: Path
    """Belongs to HAProxy's user."""

    @property
    def config(self) -> Path:
        return self.folder / "haproxy.cfg"

    @property
    def certificate(self) -> Path:
        return self.folder / "edge.pem"

    @property
    def socket(self) -> Path:
        return self.folder / "maps.sock"

    @property
    def page(self) -> Path:
        """The page that is shown during maintenance; a layout may name another."""
        return self.folder / "maintenance.html"

    @property
    def nodes(self) -> Path:
        """Map: a camera's path -> its media node. Streaming keeps it, in HAProxy's memory only."""
        return self.folder / "media-nodes.map"

    @property
    def flags(self) -> Path:
        """Map: `maintenance` -> on. Written by gtv, so that it outlives HAProxy."""
        return self.folder / "flags.map"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How an installation is laid out around the edge."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    """A layout may be read from a file, where an unknown field is a mistake."""

    edge: str
    """Address and port of https."""
    plain: str
    """Of http, which only sends on."""
    private: str
    """Of metrics, statistics and the edge's own health."""
    files: Files
    socket_access: str = "mode 600"
    """Which accounts may open the socket: its owner, or `mode 660 gid 10001` where streaming runs as another."""
    maintenance_page: Path
    stats_password: str = field(repr=False)
    """HAProxy itself fills in `${NAME}` from its environment."""
    targets: Mapping[str, Target]
    """Each service of the routes and `console`."""
    nodes: Mapping[str, Mapping[str, Target]]
    """Media nodes: name -> protocol of the routes -> where."""
    kong: Target | None = None
    """The gateway between the edge and the services, where there is one."""
    public_host: str = "localhost"
    hosts: Sequence[str] = ("localhost",)
    """Names under which pages are asked for in clear; another one is sent on to `public_host`."""
    public_port: int = 443
    tls_min: str = "1.3"
    body_s: int = 30
    """Within this a request's body is here, or fills a buffer of 16 KB. The services bound the time of the rest."""
    trusted_proxies: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)
    passages: Sequence[Passage] = ()
    user: str | None = None
    """Account, with a group of the same name, that HAProxy becomes once its ports are open, where it is started as root."""

    @property
    def names(self) -> list[str]:
        """Under which pages are asked for in clear."""
        return sorted({*self.hosts, self.public_host})

    @property
    def looks_up_names(self) -> bool:
        """Whether anything behind the edge has a name instead of an address."""
        return any(map(_looked_up, self._addresses()))

    def _addresses(self) -> Iterator[str]:
        yield from (target.address for target in self.targets.values())
        yield from (target.address for node in self.nodes.values() for target in node.values())
        yield from (target for passage in self.passages for target in passage.targets)
        if self.kong is not None:
            yield self.kong.address


def render(template: str, routes: Routes, layout: Layout) -> str:
    """Returns the configuration file's text."""
    # nothing in it is a page, and a name that is misspelt is an error
    language = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    language.globals.update(_CONSTANTS, problem=_problem, in_url=in_url, looked_up=_looked_up, maxconn=_max_connections())
    return language.from_string(template).render(routes=routes, layout=layout)


def in_url(host: str) -> str:
    """Returns a host as it is written in an address; IPv6 gets brackets."""
    return f"[{host}]" if ":" in host else host


def _problem(status: int, code: str, detail: str) -> str:
    """Returns the words of a rule that answers with a problem, in the shape that every service uses."""
    body = {"type": f"urn:gtvision:problem:{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    text = json.dumps(body)[:-1] + ', "correlation_id": "%[var(txn.id)]"}'
    return f"content-type application/problem+json lf-string '{text}'"


def _looked_up(address: str) -> str:
    """A name is looked up again and again: a container that is replaced has another address, and one that is missing must not stop us."""
    try:
        ipaddress.ip_address(address.rpartition(":")[0].strip("[]"))
    except ValueError:
        return " resolvers names init-addr last,libc,none"
    return ""


def _max_connections() -> int:
    """As many as the limit of open files allows: two for each connection, and some for itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if hard == resource.RLIM_INFINITY else max(100, min(MAX_CONNECTIONS, (hard - 200) // 2))
