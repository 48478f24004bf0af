"""Every public route says who may use it, lies where the edge looks for it, and nothing internal is public."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIWebSocketRoute
from tests.contracts.services import ROOT, SERVICES, accesses, build, environment

from chassis.auth.access import Access, route_access
from chassis.service import Service
from gtv.routes import load_routes

PUBLIC = {
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/token"),
    ("GET", "/api/v1/.well-known/jwks.json"),
}
"""Beside each service's documentation. A longer list needs a reason."""
ANY_TOKEN = {
    ("GET", "/api/v1/users/me"),
    ("POST", "/api/v1/auth/logout"),
    # decides by the ticket's purpose
    ("POST", "/api/v1/auth/tickets"),
}
"""What needs a token and no scope in particular."""
SOCKETS = {"/ws/v1/live"}
"""WebSockets redeem a ticket themselves (tests/ingest/test_live.py proves it)."""
INTERNAL = ("/internal", "/health", "/metrics")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    folder = tmp_path_factory.mktemp("objects")
    return {name: build(name, environment(name, folder)) for name in SERVICES}


def documentation(service: str) -> set[tuple[str, str]]:
    return {("GET", f"/api/v1/docs/{service}/{page}") for page in ("", "openapi.json", "asyncapi.json")}


def everything(services: dict[str, Service]) -> Iterator[tuple[str, Access]]:
    for name, service in services.items():
        for access in accesses(service):
            yield name, access


def routes(app: FastAPI) -> Iterator[tuple[str, type]]:
    """Path and kind of every route: HTTP, WebSocket, mounts. FastAPI shows what a router brought along in a wrapper."""
    for outer in app.routes:
        expand = getattr(outer, "effective_route_contexts", None)
        for route in expand() if expand else [outer]:
            inner = getattr(route, "starlette_route", None) or route
            yield getattr(route, "path_format", "") or inner.path, type(getattr(route, "original_route", inner))


def paths(app: FastAPI) -> list[str]:
    return [path for path, _ in routes(app)]


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_declares_its_access(services: dict[str, Service], name: str) -> None:
    found = accesses(services[name])  # raises where a route declares nothing
    public = {(access.method, access.path) for access in found if access.public}
    assert public - documentation(name) <= PUBLIC
    unscoped = {(access.method, access.path) for access in found if not access.public and not access.scopes}
    assert unscoped <= ANY_TOKEN


def test_the_short_lists_name_what_exists(services: dict[str, Service]) -> None:
    known = {(access.method, access.path) for _, access in everything(services)}
    assert known >= PUBLIC | ANY_TOKEN
    assert set().union(*(documentation(name) & known for name in SERVICES)) >= {("GET", f"/api/v1/docs/{name}/") for name in SERVICES}


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_no_plain_route_is_known_too(services: dict[str, Service], name: str) -> None:
    declared = {access.path for access in accesses(services[name])}
    for path, kind in routes(services[name].api):
        assert path in (SOCKETS if issubclass(kind, APIWebSocketRoute) else declared), f"{path} escapes the declaration of access"


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_internal_is_public(services: dict[str, Service], name: str) -> None:
    public, private = paths(services[name].api), paths(services[name].private)
    assert not [path for path in public if path.startswith(INTERNAL) or "/internal" in path]
    assert private
    assert all(path.startswith(INTERNAL) for path in private)


def test_the_edge_finds_every_public_path_at_its_service(services: dict[str, Service]) -> None:
    owners = {prefix: owner for owner, prefix in load_routes(Path(ROOT, "deploy/routes.yml")).prefixes()}
    for name, service in services.items():
        for path in paths(service.api):
            found = {owner for prefix, owner in owners.items() if path == prefix or path.startswith(f"{prefix}/")}
            assert found == {name}, f"{path} of {name} is routed to {found or 'nobody'}"


def test_the_edge_knows_every_service() -> None:
    assert sorted(load_routes(Path(ROOT, "deploy/routes.yml")).services) == sorted(SERVICES)


def test_a_route_without_a_declaration_is_noticed() -> None:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/open", lambda: None)
    with pytest.raises(Exception, match="declare requires"):
        list(route_access(app))
