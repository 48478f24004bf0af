"""Tests of the purposes of searches: asked for after authorization, as the caller's tenant requires it, and put on record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter
from tests.fixtures.routes import route_access
from tests.fixtures.tokens import TokenMint

from chassis.redis import connect_redis
from chassis.service import create_app
from chassis.settings import ServiceSettings
from city.audit import AuditEntry, audit_event
from city.purposes import requires_with_purpose
from city.tenants import KnownTenant, TenantDirectory
from gtvision.audit import Action
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Purposes, Role, Scope, TenantSettings

FREE, LISTED, STRICT, ANY = new_id(), new_id(), new_id(), new_id()
CITIES = {
    LISTED: Purposes(codes=("crime", "missing-person")),
    STRICT: Purposes(codes=("crime",), required=True),
    ANY: Purposes(required=True),
}


def known() -> TenantDirectory:
    """Returns a directory of tenants that is filled by the test and never connects to Redis."""
    directory = TenantDirectory(connect_redis("redis://127.0.0.1:1/0"))
    for tenant_id, purposes in CITIES.items():
        directory.learn(tenant_id, KnownTenant(name="x", revision=1, settings=TenantSettings(purposes=purposes)))
    return directory


@pytest.fixture
def mint() -> TokenMint:
    return TokenMint()


@pytest.fixture
async def http(mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    router = APIRouter(prefix="/api/v1")

    @router.get("/plates")
    async def plates(caller: Annotated[Caller, requires_with_purpose(Scope.PLATES_SEARCH)]) -> str | None:
        return audit_event(Action.PLATE_SEARCHED, caller, AuditEntry()).purpose

    provides = [mint.authenticator(), known()]
    service = create_app(ServiceSettings(service_name="t"), title="t", lifespan_parts=(), routers=(router,), provides=provides)
    [access] = [access for access in route_access(service.api) if not access.public]
    assert access.scopes == (Scope.PLATES_SEARCH,)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=service.api), base_url="http://t/api/v1") as client:
        yield client


@pytest.mark.parametrize(
    ("tenant", "header", "expected"),
    [
        (FREE, None, (200, None)),
        (FREE, "anything-goes", (200, "anything-goes")),
        (FREE, "No Code!", (422, "purpose_unknown")),
        (LISTED, None, (200, None)),
        (LISTED, "", (200, None)),
        (LISTED, "missing-person", (200, "missing-person")),
        (LISTED, "curiosity", (422, "purpose_unknown")),
        (STRICT, None, (422, "purpose_required")),
        (STRICT, "", (422, "purpose_required")),
        (STRICT, "crime", (200, "crime")),
        (STRICT, "missing-person", (422, "purpose_unknown")),
        (ANY, None, (422, "purpose_required")),
        (ANY, "whatever", (200, "whatever")),
        (ANY, "a" * 41, (422, "purpose_unknown")),
    ],
)
async def test_a_tenant_gets_the_purposes_that_it_requires(
    http: httpx.AsyncClient, mint: TokenMint, tenant: object, header: str | None, expected: tuple[int, str | None]
) -> None:
    headers = mint.headers(mint.caller(tenant_id=tenant))  # type: ignore[arg-type]
    answer = await http.get("/plates", headers=headers if header is None else headers | {"x-purpose": header})
    assert (answer.status_code, answer.json() if answer.is_success else answer.json()["code"]) == expected


async def test_a_caller_without_the_scope_is_asked_for_no_purpose(http: httpx.AsyncClient, mint: TokenMint) -> None:
    assert (await http.get("/plates", headers={"x-purpose": "No Code!"})).status_code == 401
    viewer = mint.headers(mint.caller(Role.VIEWER, tenant_id=STRICT))
    assert (await http.get("/plates", headers=viewer)).json()["code"] == "missing_scope"


async def test_two_purposes_are_checked_as_the_one_on_record(http: httpx.AsyncClient, mint: TokenMint) -> None:
    authorization = mint.headers(mint.caller(tenant_id=STRICT))["authorization"]
    for first, second in (("crime", "curiosity"), ("curiosity", "crime")):
        headers = [("authorization", authorization), ("x-purpose", first), ("x-purpose", second)]
        answer = await http.get("/plates", headers=headers)
        assert answer.status_code == 422 or answer.json() == "crime"


async def test_the_header_is_documented(http: httpx.AsyncClient) -> None:
    operation = (await http.get("/docs/t/openapi.json")).json()["paths"]["/api/v1/plates"]["get"]
    assert [(each["in"], each["name"], each["required"]) for each in operation["parameters"]] == [("header", "x-purpose", False)]
    assert operation["security"] == [{"bearer": ["plates:search"]}]
