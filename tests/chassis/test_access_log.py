"""Tests of the access log: a line identifies its request, and holds no plate that was searched for, and no token."""

from __future__ import annotations

import httpx
import pytest
from fastapi import APIRouter
from structlog.testing import capture_logs

from chassis.service import create_app
from chassis.settings import ServiceSettings
from gtvision.errors import NotFound

OPEN = {"x-access": "public"}
PLATE = "ABC1D23"


@pytest.fixture
def client() -> httpx.AsyncClient:
    router = APIRouter(prefix="/api/v1")

    @router.get("/plates/{plate}", openapi_extra=OPEN)
    async def search(plate: str) -> str:
        if plate == "gone":
            raise NotFound
        if plate == "broken":
            raise RuntimeError("inside")
        return plate

    @router.post("/alerts/links/{token}", openapi_extra=OPEN)
    async def link(token: str) -> str:
        return token

    @router.get("/things/{thing_id}", openapi_extra=OPEN)
    async def thing(thing_id: str) -> str:
        return thing_id

    service = create_app(ServiceSettings(service_name="t"), title="t", lifespan_parts=(), routers=(router,))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=service.api, raise_app_exceptions=False), base_url="http://t")


async def line(client: httpx.AsyncClient, path: str, method: str = "GET") -> dict[str, object]:
    with capture_logs() as said:
        await client.request(method, path)
    assert PLATE not in str(said).upper()
    [found] = [each for each in said if each["event"] == "request"]
    return dict(found)


@pytest.mark.parametrize(
    ("method", "path", "shown", "status"),
    [
        ("GET", f"/api/v1/plates/{PLATE}", "/api/v1/plates/-", 200),
        ("GET", f"/api/v1/plates/{PLATE}?mode=exact&x={PLATE}", "/api/v1/plates/-", 422),
        ("GET", "/api/v1/plates/%41BC1D23", "/api/v1/plates/-", 200),
        ("GET", "/api/v1/plates/gone", "/api/v1/plates/-", 404),
        ("GET", "/api/v1/plates/broken", "/api/v1/plates/-", 500),
        ("POST", f"/api/v1/plates/{PLATE}", "/api/v1/plates/-", 405),
        ("GET", f"/api/v1/plates/{PLATE}/more", "/api/v1/plates/-", 404),
        ("GET", f"/api/v1/plates//{PLATE}", "/api/v1/plates/-", 404),
        ("GET", f"/api/v1/Plates/{PLATE}%0A{PLATE}", "/api/v1/Plates/-", 404),
        ("GET", f"/plates/{PLATE}", "/plates/-", 404),
        # the link of a message: whoever has its token may acknowledge the alert
        ("POST", f"/api/v1/alerts/links/v1.k.{PLATE}", "/api/v1/alerts/links/-", 200),
        ("PUT", f"/api/v1/alerts/links/v1.k.{PLATE}", "/api/v1/alerts/links/-", 405),
        ("GET", f"/api/v1/alerts/links/v1.k.{PLATE}/x", "/api/v1/alerts/links/-", 404),
    ],
)
async def test_a_plate_is_not_in_it(client: httpx.AsyncClient, method: str, path: str, shown: str, status: int) -> None:
    said = await line(client, path, method)
    assert (said["path"], said["status"], said["method"]) == (shown, status, method)


@pytest.mark.parametrize(("path", "route"), [("/api/v1/things/018f-7", "/api/v1/things/{thing_id}"), ("/api/v1/nothing/here", "unmatched")])
async def test_other_paths_are_logged_in_full(client: httpx.AsyncClient, path: str, route: str) -> None:
    said = await line(client, path)
    assert (said["path"], said["route"]) == (path, route)
