"""HAProxy's configuration, rendered from `haproxy/haproxy.cfg` and the table of `deploy/routes.yml`."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from string import Template

from gtv.routes import INTERNAL, Routes

MAX_BODY_BYTES = 64_000_000
"""What is larger is refused at once, by breaking the connection under a client that is still sending. The limit that clients know, 10 MB,
is the services': they take the rest and throw it away, so that the refusal can be read."""
MAX_CONNECTIONS = 4_000

_PROBLEMS = {
    400: ("malformed_request", "The request is not acceptable HTTP."),
    408: ("request_timeout", "The request did not arrive in time."),
    500: ("internal", "Something went wrong on our side."),
    502: ("bad_gateway", "The service behind this path ended the connection."),
    503: ("unavailable", "The service behind this path is not reachable at the moment."),
    504: ("gateway_timeout", "The service behind this path did not answer in time."),
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a backend listens, and where it tells of its health."""

    address: str
    health_port: int | None = None


class _HaproxyTemplate(Template):
    delimiter = "@"


def render(template: str, routes: Routes, targets: Mapping[str, Target], *, edge: str, private: str, stats_password: str) -> str:
    """The configuration file. `targets` holds each service of the routes, the media protocols and `console`."""
    oversized = f"{{ req.hdr_val(content-length) gt {MAX_BODY_BYTES} }}"
    return _HaproxyTemplate(template).substitute(
        maxconn=_max_connections(),
        errors="\n".join(_error(status) for status in _PROBLEMS),
        edge=edge,
        private=private,
        stats_password=stats_password,
        media_prefixes=" ".join(f"{route.prefix}/" for route in routes.media.values()),
        too_large=_return(413, "too_large", "The request body is larger than allowed.", oversized),
        routes="\n".join(_rules(routes)),
        backends="\n".join(_backends(routes, targets)),
    )


def _rules(routes: Routes) -> Iterator[str]:
    """Who owns a path, then the refusal of what looks like ours and is nobody's, then the choice (HAProxy wants it last)."""
    names = [*routes.services, *routes.media]
    for name in routes.services:
        prefixes = [prefix for owner, prefix in routes.prefixes() if owner == name]
        yield f"    acl to_{name} path {' '.join(prefixes)}"
        yield f"    acl to_{name} path_beg {' '.join(f'{prefix}/' for prefix in prefixes)}"
    for name, route in routes.media.items():
        yield f"    http-request set-var(txn.{name}) path,regsub(^{route.prefix}/,/) if {{ path_beg {route.prefix}/ }}"
        yield f"    acl to_{name} var(txn.{name}) -m reg {route.paths}"
    tops = sorted({f"/{prefix.split('/')[1]}" for _, prefix in routes.prefixes()} | set(INTERNAL))
    yield f"    acl ours path {' '.join(tops)}"
    yield f"    acl ours path_beg {' '.join(f'{top}/' for top in tops)}"
    yield _return(404, "not_found", "There is no such path.", " ".join(["ours", *(f"!to_{name}" for name in names)]))
    for name in names:
        yield f"    use_backend {name} if to_{name}"


def _return(status: int, code: str, detail: str, condition: str) -> str:
    return f"    http-request return status {status} {_problem(status, code, detail)} if {condition}"


def _error(status: int) -> str:
    return f"    http-error status {status} {_problem(status, *_PROBLEMS[status])}"


def _problem(status: int, code: str, detail: str) -> str:
    """The arguments of an answer in the shape that every service uses."""
    body = {"type": f"urn:gtvision:problem:{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    text = json.dumps(body)[:-1] + ', "correlation_id": "%[var(txn.id)]"}'
    return f"content-type application/problem+json lf-string '{text}'"


def _backends(routes: Routes, targets: Mapping[str, Target]) -> Iterator[str]:
    for name in (*routes.services, "console"):
        yield f"backend {name}"
        yield from _server(name, targets[name])
        yield ""
    for name, route in routes.media.items():
        yield f"backend {name}"
        yield f"    http-request set-path %[path,regsub(^{route.prefix}/,/)]"
        # absolute paths are the media server's own and get their prefix back; anything else leads elsewhere and is left alone
        yield f"    http-response replace-header Location ^(/[^/].*)$ {route.prefix}\\1"
        # its challenge would open the browser's own password window
        yield "    http-response del-header WWW-Authenticate"
        yield from _server(name, targets[name])
        yield ""


def _server(name: str, target: Target) -> Iterator[str]:
    if target.health_port is None:
        # an HTTP check of the media server would count as a viewer or as a failed login
        yield f"    server {name} {target.address}"
        return
    # live, not ready: one missing dependency would take every service off the edge at once, together with what still works
    yield "    option httpchk"
    yield "    http-check send meth GET uri /health/live"
    yield "    http-check expect status 200"
    yield f"    server {name} {target.address} check port {target.health_port} inter 2s fastinter 500ms fall 3 rise 1"


def _max_connections() -> int:
    """As many as the limit of open files allows: two for each connection, and some for itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if hard == resource.RLIM_INFINITY else max(100, min(MAX_CONNECTIONS, (hard - 200) // 2))
