"""How often one address may ask: HAProxy's rules, from the table of routes. Video, the WebSocket and pages are never counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gtv.problems import refusal
from gtv.routes import Routes, below

WINDOW_S = 60
"""After so long a silence there is room again, whatever was asked before."""
_UNSAFE = "POST PUT PATCH DELETE"
_WHO = "src,ipmask(32,64)"
"""An IPv6 customer has a whole network of addresses."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests a minute and address."""

    api: int = 1_000
    login: int = 30
    """Each operation by which a secret can be guessed."""
    admin: int = 30
    """Changes of users, tenants and keys."""
    lanes: int = 600_000


def _below(name: str, prefixes: list[str]) -> Iterator[str]:
    """What is one of these or lies below it: /api/v1/detections is not below /api/v1/detect."""
    yield f"    acl {name} var(txn.path) -m str {' '.join(prefixes)}"
    yield f"    acl {name} var(txn.path) -m beg {' '.join(f'{prefix}/' for prefix in prefixes)}"


def rules(routes: Routes, limits: Limits) -> Iterator[str]:
    """Each request counts in one table. What is refused does not count: who goes on knocking still gets his share."""
    logins = [operation.partition(" ") for service in routes.services.values() for operation in service.login]
    for method, _, path in logins:
        yield f"    acl knocks var(txn.path) -m str {path} {path}/"
        yield f"    acl knocks_by method {method}"
    buckets = {"login": ("knocks knocks_by", limits.login)} if logins else {}
    if administration := [prefix for service in routes.services.values() for prefix in service.administration]:
        yield from _below("administers", administration)
        yield f"    acl changes method {_UNSAFE}"
        buckets["admin"] = ("administers changes", limits.admin)
    if lanes := [lane for service in routes.services.values() for lane in service.lanes]:
        lanes += [alias.prefix for alias in routes.aliases if any(below(alias.to, lane) for lane in lanes)]
        yield from _below("lane", lanes)
        buckets["lanes"] = ("lane", limits.lanes)
    buckets |= {"api": ("{ var(txn.api) -m bool }", limits.api)}
    for name, (condition, most) in buckets.items():
        yield f"    http-request set-var(txn.bucket) str({name}) if {condition} !{{ var(txn.bucket) -m found }}"
        mine = f"{{ var(txn.bucket) -m str {name} }}"
        spent = f"{{ {_WHO},table_http_req_rate(rate_{name}) ge {most} }}"
        detail = "There are too many requests from this address; try again later."
        yield refusal(429, "rate_limited", detail, f"{mine} {spent}", retry_after_s=WINDOW_S)
        yield f"    http-request track-sc1 {_WHO} table rate_{name} if {mine}"
