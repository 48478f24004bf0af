"""Tests that every route of every service refuses query parameters that it does not declare, and names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message
from tests.contracts.services import SERVICES, build, environment
from tests.fixtures.routes import route_access
from tests.fixtures.tokens import TokenMint

from chassis.auth import Authenticator
from chassis.http.parameters import included_routes
from gtvision.ids import new_id
from gtvision.tenancy import Role

TAKES_ANY = {"GET /api/v1/auth/oidc/{provider}/callback"}
"""Routes whose query an outside system writes. A new one needs its reason in a comment."""
UNKNOWN = "no_such_parameter"


@dataclass(frozen=True)
class Route:
    """One route of one service, with the query parameters that its document names."""

    app: FastAPI
    method: str
    template: str
    declared: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    async def ask(self, mint: TokenMint | None, **parameters: str) -> httpx.Response:
        """Sends a request. No server runs behind the service, so an accepted request gets an error of the database or the like."""
        headers = {} if mint is None else mint.headers(mint.caller(Role.PLATFORM_ADMIN))
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            path = self.template.format_map(_AnyId())
            return await client.request(self.method, path, headers=headers, params=parameters)


class _AnyId(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return str(new_id()) if key.endswith("_id") else "ABC1D23"


MINT = TokenMint()


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FastAPI]:
    made = {}
    for name in SERVICES:
        service = build(name, environment(name, tmp_path_factory.mktemp("objects")))
        service.api.state.provided[Authenticator] = MINT.authenticator()
        made[name] = service.api
    return made


@pytest.fixture(scope="module")
def routes(apps: dict[str, FastAPI]) -> list[Route]:
    return [route for app in apps.values() for route in _routes(app)]


def _routes(app: FastAPI) -> Iterator[Route]:
    paths = app.openapi()["paths"]
    for context in included_routes(app):
        for method in getattr(context, "methods", None) or ():
            operation = paths.get(context.path_format, {}).get(method.lower(), {})
            names = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
            yield Route(app, method, context.path_format, frozenset(names))


def _refused(answer: httpx.Response) -> list[str]:
    """Returns the names of the parameters that the answer calls unknown."""
    if answer.status_code != 422 or answer.headers["content-type"] != "application/problem+json":
        return []
    problem = answer.json()
    assert problem["code"] in {"invalid", "purpose_required"} or "errors" not in problem
    return [error["loc"][1] for error in problem.get("errors", ()) if error["loc"][0] == "query" and "no such parameter" in error["msg"]]


def test_the_list_names_existing_routes(apps: dict[str, FastAPI], routes: list[Route]) -> None:
    assert {str(route) for route in routes} >= TAKES_ANY
    for app in apps.values():
        assert any(route.app is app and route.declared for route in routes) or len(list(_routes(app))) > 1


async def test_an_unknown_parameter_is_refused_by_name(routes: list[Route]) -> None:
    let_through = {str(route) for route in routes if _refused(await route.ask(MINT, **{UNKNOWN: "x"})) != [UNKNOWN]}
    assert let_through == TAKES_ANY


async def test_without_a_token_the_answer_is_401_first(apps: dict[str, FastAPI], routes: list[Route]) -> None:
    public = {f"{access.method} {access.path}" for name in SERVICES for access in route_access(apps[name]) if access.public}
    for route in routes:
        if str(route) not in public:
            assert (await route.ask(None, **{UNKNOWN: "x"})).status_code == 401, str(route)


async def test_what_is_declared_is_known(routes: list[Route]) -> None:
    for route in routes:
        if route.declared:
            assert _refused(await route.ask(MINT, **dict.fromkeys(route.declared, "1"))) == [], str(route)


async def test_a_websocket_with_an_unknown_parameter_is_closed(apps: dict[str, FastAPI]) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    query = f"ticket=x&{UNKNOWN}=1".encode()
    await apps["ingest"]({"type": "websocket", "path": "/ws/v1/live", "query_string": query, "headers": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert (sent[-1]["code"], sent[-1]["reason"]) == (1008, "invalid")
