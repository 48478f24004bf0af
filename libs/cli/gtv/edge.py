"""HAProxy's configuration, rendered from `haproxy/haproxy.cfg`, the table of `deploy/routes.yml` and how an installation is laid out."""

from __future__ import annotations

import ipaddress
import resource
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import ClassVar

from pydantic import ConfigDict

from gtv import guards, limits, problems
from gtv.limits import Limits
from gtv.problems import refusal
from gtv.routes import CONSOLE, Routes

MAX_BODY_BYTES = 10_000_000
"""The services' own limit. The edge refuses it only to a client that asks before it sends (`Expect`). Under one that is sending already
HAProxy ends the connection, or over HTTP/2 the stream, and the refusal may be lost with it: so the service reads the rest, throws it
away, and answers."""
HARD_BODY_BYTES = 64_000_000
"""What nobody reads to its end: here the connection is what is refused."""
MAX_CONNECTIONS = 4_000
PROXY_HOPS = 5
"""Proxies of ours in a row that are looked through for the client's address."""
MAINTENANCE_RETRY_S = 120
REFILL_S = 10
"""As often as streaming fills the map of cameras."""
MEDIA_NODE = "media-1"
"""The only media node's name, here and in streaming's settings, where nobody gave it another."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a backend listens, and where it tells of its health."""

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
    """What HAProxy reads, and the socket that it makes."""

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
        """What pages say while the installation is closed; a layout may name another."""
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
    """It may be read from a file."""

    edge: str
    """Address and port of https."""
    plain: str
    """Of http, which only sends on."""
    private: str
    """Of metrics, statistics and the edge's own health."""
    files: Files
    socket_access: str = "mode 600"
    """Who may open the socket: its owner, or `mode 660 gid 10001` where streaming runs as somebody else."""
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


class _HaproxyTemplate(Template):
    delimiter = "@"


def render(template: str, routes: Routes, layout: Layout) -> str:
    """The configuration file."""
    most = _max_connections()
    return _HaproxyTemplate(template).substitute(
        maxconn=most,
        connections_per_10s=2 * MAX_CONNECTIONS,
        connections_per_address=most // 2,
        socket=layout.files.socket,
        socket_access=layout.socket_access,
        certificate=layout.files.certificate,
        tls_min=layout.tls_min,
        body_s=layout.body_s,
        edge=layout.edge,
        plain=layout.plain,
        private=layout.private,
        user=f"    user {layout.user}\n    group {layout.user}\n" if layout.user else "",
        hosts=" ".join(sorted({*layout.hosts, layout.public_host})),
        public_host=in_url(layout.public_host),
        https_port="" if layout.public_port == 443 else f":{layout.public_port}",
        stats_password=layout.stats_password,
        resolvers=_RESOLVERS if any(map(_looked_up, _addresses(layout))) else "",
        errors="\n".join(map(problems.error, problems.ERRORS)),
        https_only="\n".join(_https_only(routes)),
        trusted_proxies=" ".join(layout.trusted_proxies) or "-f /dev/null",
        client_address="\n".join(_client_address(layout)),
        media_prefixes=" ".join(f"{route.prefix}/" for route in routes.media.values()),
        known_names=" ".join(alias.prefix for alias in routes.aliases if alias.owner != CONSOLE and not alias.to.startswith("/ws/")),
        health="\n".join(_health(routes)),
        guards="\n".join(guards.rules(routes)),
        maintenance="\n".join(_maintenance(layout)),
        limits="\n".join(limits.rules(routes, layout.limits)),
        too_large="\n".join(_too_large()),
        routes="\n".join(_rules(routes, layout)),
        backends="\n".join(_backends(routes, layout)),
        passages="\n".join(_passages(layout)),
    )


def in_url(host: str) -> str:
    """A name or an address as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def _https_only(routes: Routes) -> Iterator[str]:
    yield from guards.ours(routes)
    detail = "This is answered over https only. If a password or a ticket was sent, it was sent in clear: do not use it again."
    yield refusal(403, "https_required", detail, "ours or !METH_GET")


def _client_address(layout: Layout) -> Iterator[str]:
    """From the right: as long as the address that is reached belongs to a proxy of ours, the next one is taken."""
    yield r"    http-request set-var(txn.local) bool(true) if { req.hdr(Host) -i -m reg ^localhost(:[0-9]+)?$ }"
    yield "    # a listener on [::] shows IPv4 clients in the dress of IPv6"
    yield "    http-request set-src src,regsub(^::ffff:,) if { src ::ffff:0:0/96 }"
    if layout.trusted_proxies:
        passed = ""
        for hop in range(1, PROXY_HOPS + 1):
            address = f"req.hdr_ip(X-Forwarded-For,-{hop})"
            yield f"    http-request set-src {address} if from_proxy{passed}"
            # what is no address ends the list: nobody vouches for what lies behind it
            passed += f" {{ {address} -m found }}"


def _health(routes: Routes) -> Iterator[str]:
    asked = f"if {{ path {' '.join(('/health', *routes.health))} }}"
    answer = 'content-type application/json string \'{"status":"ok"}\' hdr Cache-Control no-store'
    yield f"    http-request set-log-level silent {asked}"
    yield f"    http-request return status 200 {answer} {asked}"


def _maintenance(layout: Layout) -> Iterator[str]:
    """Video goes on; its rules come later and are not asked."""
    yield f"    acl closed str(maintenance),map({layout.files.flags},off) -m str on"
    detail = "The system is being maintained and will be back soon."
    yield refusal(503, "maintenance", detail, "closed ours !{ var(txn.media) -m bool }", retry_after_s=MAINTENANCE_RETRY_S)
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    headers = f'hdr Retry-After {MAINTENANCE_RETRY_S} hdr Cache-Control no-store hdr Content-Security-Policy "{policy}"'
    page = f'content-type "text/html; charset=utf-8" file {layout.maintenance_page} {headers}'
    yield f"    http-request return status 503 {page} if closed !{{ var(txn.media) -m bool }}"


def _too_large() -> Iterator[str]:
    def above(size: int) -> str:
        return f"{{ req.hdr_val(content-length) gt {size} }}"

    detail = "The request body is larger than allowed."
    yield refusal(413, "too_large", detail, f"{above(MAX_BODY_BYTES)} {{ req.hdr(Expect) -m found }}")
    yield refusal(413, "too_large", detail, above(HARD_BODY_BYTES))


def _rules(routes: Routes, layout: Layout) -> Iterator[str]:
    """Known names, who owns a path, the refusal of what looks like ours and is nobody's, then the choice (HAProxy wants it last)."""
    yield from _aliases(routes, layout)
    for name in routes.services:
        prefixes = [prefix for owner, prefix in routes.prefixes() if owner == name]
        yield f"    acl to_{name} path {' '.join(prefixes)}"
        yield f"    acl to_{name} path_beg {' '.join(f'{prefix}/' for prefix in prefixes)}"
    for name, route in routes.media.items():
        yield f"    http-request set-var(txn.{name}) path,regsub(^{route.prefix}/,/) if {{ path_beg {route.prefix}/ }}"
        yield f"    acl to_{name} var(txn.{name}) -m reg {route.paths}"
    yield "    acl roundabout var(txn.path) -m reg (//|/[.][.]?(/|$))"
    yield refusal(404, "not_found", "There is no such path.", "ours roundabout")
    names = [*routes.services, *routes.media]
    yield refusal(404, "not_found", "There is no such path.", " ".join(["ours", *(f"!to_{name}" for name in names)]))
    yield from _node_of_the_camera(routes, layout)
    for name in routes.services:
        yield f"    use_backend {'kong' if layout.kong else name} if to_{name}"
    for name in routes.media:
        for node in layout.nodes:
            yield f"    use_backend {name}-{node} if to_{name} {{ var(txn.node) -m str {node} }}"


def _aliases(routes: Routes, layout: Layout) -> Iterator[str]:
    """Kong knows the known names itself. The page does not."""
    for alias in routes.aliases:
        if alias.owner == CONSOLE:
            yield f"    http-request replace-path ^{alias.prefix}/?$ /"
            yield f"    http-request replace-path ^{alias.prefix}(/.+)$ \\1"
        elif layout.kong is None:
            yield f"    http-request replace-path {alias.pattern} {alias.to}\\1"
        else:
            yield f"    acl to_{alias.owner} path -m reg {alias.pattern}"


def _node_of_the_camera(routes: Routes, layout: Layout) -> Iterator[str]:
    """With one node every camera is there, whatever the map says: a dead streaming must blind nobody."""
    for name in routes.media:
        key = f"var(txn.{name}),field(2,/),regsub(_sub$,)"
        yield f"    http-request set-var(txn.node) {key},map({layout.files.nodes}) if to_{name}"
    only = next(iter(layout.nodes)) if len(layout.nodes) == 1 else None
    known = f"{{ var(txn.node) -m str {' '.join(layout.nodes)} }}" if layout.nodes else "FALSE"
    for name in routes.media:
        if only is not None:
            yield f"    http-request set-var(txn.node) str({only}) if to_{name} !{known}"
            continue
        filled = f"{{ str(filled),map({layout.files.nodes},no) -m str yes }}"
        detail = "Which media node has the camera is not known yet."
        yield refusal(503, "unavailable", detail, f"to_{name} !{known} !{filled}", retry_after_s=REFILL_S)
        yield refusal(404, "not_found", "No media node has this camera.", f"to_{name} !{known}")


def _backends(routes: Routes, layout: Layout) -> Iterator[str]:
    for name in (*routes.services, CONSOLE):
        if layout.kong is None or name == CONSOLE:
            yield f"backend {name} from web"
            yield from _server(name, layout.targets[name])
            yield ""
    if layout.kong is not None:
        yield "backend kong from web"
        yield from _server("kong", layout.kong)
        yield ""
    for name, route in routes.media.items():
        for node, targets in layout.nodes.items():
            yield f"backend {name}-{node} from web"
            yield f"    http-request set-path %[path,regsub(^{route.prefix}/,/)]"
            # absolute paths are the media server's own and get their prefix back; anything else leads elsewhere and is left alone
            yield f"    http-response replace-header Location ^(/[^/].*)$ {route.prefix}\\1"
            # its challenge would open the browser's own password window
            yield "    http-response del-header WWW-Authenticate"
            # it lets the pages of every origin read its answers
            yield "    http-response del-header Access-Control- -m beg"
            yield from _server(node, targets[name])
            yield ""


def _server(name: str, target: Target) -> Iterator[str]:
    place = target.address + _looked_up(target.address)
    if target.health_port is None:
        # an HTTP check of the media server would count as a viewer or as a failed login
        yield f"    server {name} {place}"
        return
    # live, not ready: one missing dependency would take every service off the edge at once, together with what still works
    yield "    option httpchk"
    yield f"    http-check send meth GET uri {target.health_path}"
    yield "    http-check expect status 200"
    yield f"    server {name} {place} check port {target.health_port} inter 2s fastinter 500ms fall 3 rise 1"


_RESOLVERS = "resolvers names\n    parse-resolv-conf\n    hold valid 10s\n\n"


def _addresses(layout: Layout) -> Iterator[str]:
    """Everything behind the edge."""
    yield from (target.address for target in layout.targets.values())
    yield from (target.address for node in layout.nodes.values() for target in node.values())
    yield from (target for passage in layout.passages for target in passage.targets)
    if layout.kong is not None:
        yield layout.kong.address


def _looked_up(address: str) -> str:
    """A name is looked up again and again: a container that is replaced has another address, and one that is missing must not stop us."""
    try:
        ipaddress.ip_address(address.rpartition(":")[0].strip("[]"))
    except ValueError:
        return " resolvers names init-addr last,libc,none"
    return ""


def _passages(layout: Layout) -> Iterator[str]:
    if layout.passages:
        yield "defaults stream"
        yield "    mode tcp"
        yield "    log global"
        yield "    option dontlognull"
        yield "    option redispatch"
        yield "    timeout connect 3s"
        yield "    # a camera sends all the time, and comes again when it was cut off"
        yield "    timeout client 1m"
        yield "    timeout server 1m"
        yield "    timeout client-fin 10s"
        yield ""
    for passage in layout.passages:
        yield f"frontend {passage.name} from stream"
        yield f"    bind {passage.listen}"
        yield _TCP_LOG
        yield "    stick-table type ipv6 size 100k expire 1m store conn_cur,conn_rate(10s)"
        yield "    tcp-request connection track-sc0 src,ipmask(32,64)"
        yield "    # a site of two hundred cameras behind one address may come back at once"
        yield "    tcp-request connection reject if { sc_conn_rate(0) gt 600 } or { sc_conn_cur(0) gt 600 }"
        yield f"    default_backend {passage.name}"
        yield ""
        yield f"backend {passage.name} from stream"
        yield "    balance source"
        yield "    hash-type consistent"
        options = " send-proxy-v2" if passage.send_proxy else ""
        check = " check inter 5s" if len(passage.targets) > 1 else ""
        for number, target in enumerate(passage.targets, 1):
            yield f"    server {passage.name}-{number} {target}{_looked_up(target)}{options}{check}"
        yield ""


_TCP_LOG = (
    '    log-format \'{"time":"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]","event":"connection","client":"%ci","frontend":"%f",'
    '"duration_ms":%Tt,"bytes":%B,"end":"%tsc"}\''
)


def _max_connections() -> int:
    """As many as the limit of open files allows: two for each connection, and some for itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if hard == resource.RLIM_INFINITY else max(100, min(MAX_CONNECTIONS, (hard - 200) // 2))
