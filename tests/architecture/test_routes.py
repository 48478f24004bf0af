"""Tests that every public route declares its access and is routed by the edge, and that no internal route is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIWebSocketRoute
from tests.contracts.services import ROOT, SERVICES, accesses, build, environment, processes
from tests.fixtures.routes import Access, route_access
from tests.gtv.keys import jwk
from tests.gtv.routers import HaproxyRouter, KongRouter

from chassis.service import Service
from gtv import edge, jwks
from gtv.kong import KongSettings
from gtv.kong import render as render_kong
from gtv.routes import Routes, below, load_routes

PUBLIC = {
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/token"),
    # sign-in at an identity provider: the list of providers, the way to one, and the callback with its code
    ("GET", "/api/v1/auth/oidc"),
    ("GET", "/api/v1/auth/oidc/{provider}/start"),
    ("GET", "/api/v1/auth/oidc/{provider}/callback"),
    ("GET", "/api/v1/.well-known/jwks.json"),
    # a browser's own download sends no header: the link carries a sealed ticket of five minutes (proved in tests/streaming/clips)
    ("GET", "/api/v1/recordings/clips/{clip_id}/file"),
    # Slack, a mail or a phone show the picture of an alert: the link carries a sealed ticket of a day (proved in tests/alerts/messages)
    ("GET", "/api/v1/channels/picture"),
    # who reads a message on the phone has no session: the link is sealed, for one use, for a day (proved in tests/alerts/links)
    ("GET", "/api/v1/alerts/links/{token}"),
    ("POST", "/api/v1/alerts/links/{token}"),
}
"""Routes that need no token, besides each service's documentation. A new one needs its reason in a comment."""
ANY_TOKEN = {
    ("GET", "/api/v1/users/me"),
    # every screen shows the picture of the caller's own city; another one's needs tenants:read, which tests/identity proves
    ("GET", "/api/v1/tenants/{tenant_id}/logo"),
    ("POST", "/api/v1/auth/logout"),
    # issues tickets; which scope it needs depends on the ticket's purpose
    ("POST", "/api/v1/auth/tickets"),
    # the caller's own account, for every role; these ask for the password again
    ("POST", "/api/v1/auth/password"),
    ("POST", "/api/v1/auth/second-factor"),
    ("POST", "/api/v1/auth/second-factor/confirm"),
    ("DELETE", "/api/v1/auth/second-factor"),
    # the caller's own sessions; those of other users need users:read and users:write, which tests/identity proves
    ("GET", "/api/v1/sessions"),
    ("DELETE", "/api/v1/sessions"),
    ("DELETE", "/api/v1/sessions/{session_id}"),
}
"""Routes that need a token, and no particular scope."""
SOCKETS = {"/ws/v1/live"}
"""WebSocket routes: they redeem a ticket themselves (proved in tests/ingest/live/test_api.py)."""
INTERNAL = ("/internal", "/health", "/metrics")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    folder = tmp_path_factory.mktemp("objects")
    return {name: build(name, environment(name, folder)) for name in SERVICES}


def documentation(service: str) -> set[tuple[str, str]]:
    return {("GET", f"/api/v1/docs/{service}/{page}") for page in ("", "openapi.json", "asyncapi.json")}


@pytest.mark.parametrize("name", SERVICES)
async def test_the_documentation_shows_every_operation_with_its_parameters(services: dict[str, Service], name: str) -> None:
    api = services[name].api
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://service") as client:
        page = (await client.get(f"/api/v1/docs/{name}/")).text
    for path, operations in api.openapi()["paths"].items():
        for method, operation in operations.items():
            shown = page[page.index(f"<code>{method.upper()} {path}</code>") :].partition("</details>")[0]
            for parameter in operation.get("parameters", ()):
                assert f"<tr><td><code>{parameter['name']}</code></td><td>{parameter['in']}</td>" in shown
    assert "<script" not in page


def everything(services: dict[str, Service]) -> Iterator[tuple[str, Access]]:
    for name, service in services.items():
        for access in accesses(service):
            yield name, access


def routes(app: FastAPI) -> Iterator[tuple[str, type]]:
    """Yields the path and the class of every route, also of those that FastAPI keeps inside a wrapper for an included router."""
    for outer in app.routes:
        expand = getattr(outer, "effective_route_contexts", None)
        for route in expand() if expand else [outer]:
            inner = getattr(route, "starlette_route", None) or route
            yield getattr(route, "path_format", "") or inner.path, type(getattr(route, "original_route", inner))


def paths(app: FastAPI) -> list[str]:
    return [path for path, _ in routes(app)]


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_declares_its_access(services: dict[str, Service], name: str) -> None:
    found = accesses(services[name])  # raises UndeclaredAccess where a route declares nothing
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


def references(document: Any) -> Iterator[str]:
    """Yields every `$ref` of an OpenAPI document."""
    if isinstance(document, dict):
        yield from (target for name, target in document.items() if name == "$ref")
    for inner in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from references(inner)


@pytest.mark.parametrize("name", SERVICES)
def test_every_reference_of_the_description_leads_somewhere(services: dict[str, Service], name: str) -> None:
    document = services[name].api.openapi()
    known = {f"#/components/schemas/{schema}" for schema in document.get("components", {}).get("schemas", {})}
    assert set(references(document)) <= known


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_internal_is_public(services: dict[str, Service], name: str) -> None:
    public, private = paths(services[name].api), paths(services[name].private)
    assert not [path for path in public if path.startswith(INTERNAL) or "/internal" in path]
    assert private
    assert all(path.startswith(INTERNAL) for path in private)


@pytest.fixture(scope="module")
def table() -> Routes:
    return load_routes(ROOT / "deploy/routes.yml")


@pytest.fixture(scope="module")
def kong(table: Routes) -> KongRouter:
    template = (ROOT / "kong/kong.yml.template").read_text()
    return KongRouter(render_kong(template, table, jwks.parse({"keys": [jwk("k1")]}), KongSettings(), {}))


@pytest.fixture(scope="module", params=[None, edge.Target("127.0.0.1:8000", 8100)], ids=["straight", "through kong"])
def haproxy(request: pytest.FixtureRequest, table: Routes) -> HaproxyRouter:
    """Returns the rules of HAProxy's configuration, once without Kong and once with it."""
    here = edge.Target("127.0.0.1:1", 2)
    layout = edge.Layout(
        edge="127.0.0.1:1",
        plain="127.0.0.1:2",
        private="127.0.0.1:3",
        files=edge.Files(Path("/nowhere")),
        maintenance_page=Path("/nowhere/maintenance.html"),
        stats_password="secret",
        targets=dict.fromkeys((*table.services, "console"), here),
        nodes={"media-1": dict.fromkeys(table.media, here)},
        kong=request.param,
    )
    return HaproxyRouter(edge.render((ROOT / "haproxy/haproxy.cfg.j2").read_text(), table, layout), behind_kong=request.param is not None)


def filled(template: str) -> str:
    """Returns a path template with an id in place of each parameter."""
    return re.sub(r"\{\w+(:\w+)?\}", "0190a5c2-0000-7000-8000-000000000001", template)


def test_the_table_names_exactly_what_is_public(services: dict[str, Service], table: Routes) -> None:
    declared = {(name, access.method, access.path) for name, access in everything(services) if access.public}
    listed = {each for each in table.public() if not each[2].startswith("/api/v1/docs/")}
    assert {each for each in declared if not each[2].startswith("/api/v1/docs/")} == listed
    assert {operation for service in table.services.values() for operation in service.login} <= {
        f"{verb} {path}" for _, verb, path in listed
    }


def test_the_table_names_exactly_the_websockets(services: dict[str, Service], table: Routes) -> None:
    found = {path for service in services.values() for path, kind in routes(service.api) if issubclass(kind, APIWebSocketRoute)}
    assert {path for service in table.services.values() for path in service.ticketed} == found == SOCKETS


def test_the_edge_finds_every_path_at_its_service(services: dict[str, Service], haproxy: HaproxyRouter) -> None:
    for name, service in services.items():
        for template in paths(service.api):
            path = filled(template)
            assert haproxy.find(path) == (name if not haproxy.behind_kong else "kong", path)


def test_kong_finds_every_operation_and_asks_for_a_token_unless_public(services: dict[str, Service], kong: KongRouter) -> None:
    for name, access in everything(services):
        path = filled(access.path)
        hit = kong.find(access.method, path)
        assert hit.service is not None, f"Kong does not know {access.method} {path}"
        assert hit.service["host"] == f"{name}.gtvision"
        assert hit.path == path
        assert ("jwt" in hit.plugins) is not access.public, f"{access.method} {path}"


def test_kong_opens_nothing_beside_what_is_public(services: dict[str, Service], kong: KongRouter) -> None:
    known = {(access.method, access.path) for _, access in everything(services) if access.public}
    for method, path in known:
        for other in ({"GET", "POST", "PUT", "PATCH", "DELETE"} - {method}, {method}):
            for verb in other:
                for near in (f"{path}x", f"{path.rstrip('/')}/x/y", f"x{path}") if verb == method else (path,):
                    hit = kong.find(verb, f"/{near.lstrip('/')}")
                    closed = hit.service is None or "jwt" in hit.plugins
                    assert closed or (path.endswith("}") and near == f"{path}x") or "/api/v1/docs/" in near or (verb, near) in known, (
                        f"{verb} {near} is open"
                    )


def test_nothing_internal_passes_the_edge(tmp_path: Path, table: Routes, kong: KongRouter, haproxy: HaproxyRouter) -> None:
    """Takes the paths of the private port of every process: APIs, workers, agents."""
    made = {name: processes(name, environment(name, tmp_path)) for name in SERVICES}
    assert {"create_api", "create_agent", "create_grabber"} <= {process for found in made.values() for process in found}
    private = {filled(path) for found in made.values() for worker in found.values() for path in paths(worker.private)}
    assert {"/health/live", "/health/ready", "/metrics", "/internal/media/auth"} <= private
    for path in private | {"/api/alerts/webhook"}:
        assert [kong.find(verb, path).service for verb in ("GET", "POST")] == [None, None], path
        assert haproxy.find(path)[0] is None, path
        assert [alias.path for alias in table.aliases if below(alias.to, path) or alias.rewrite(path)] == [], path


def test_known_names_lead_to_operations_that_exist(services: dict[str, Service], table: Routes, kong: KongRouter) -> None:
    """Every alias in deploy/routes.yml leads to a route of a service."""
    exact = {filled(path) for service in services.values() for path in paths(service.api)}
    for alias in table.aliases:
        if alias.owner in services:
            assert alias.to in exact, f"{alias.path} leads to {alias.to}, which no service answers"
            assert kong.find("GET", alias.prefix).path == alias.to


def test_the_edge_knows_every_service(table: Routes) -> None:
    assert sorted(table.services) == sorted(SERVICES)


def test_a_route_without_a_declaration_is_noticed() -> None:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/open", lambda: None)
    with pytest.raises(Exception, match="declare requires"):
        list(route_access(app))
