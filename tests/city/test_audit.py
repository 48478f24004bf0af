"""Tests of audit entries: they commit with their transaction, name the address of their request, and fit the ledger's limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter
from sqlalchemy import text

from chassis.db import Database
from chassis.documentation import PUBLIC
from chassis.envelope import parse
from chassis.origin import Origin, arriving, origin
from chassis.service import create_app
from chassis.settings import ServiceSettings
from city.audit import AuditEntry, audit_event, record
from gtvision.audit import Action, Outcome
from gtvision.events import AuditRecorded
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import SystemClock

WHO = Caller(new_id(), new_id(), Role.OPERATOR, frozenset(), new_id())


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    router = APIRouter(prefix="/api/v1")

    @router.get("/act", openapi_extra=PUBLIC)
    async def act() -> AuditRecorded:
        return audit_event(Action.PLATE_SEARCHED, WHO, AuditEntry())

    service = create_app(ServiceSettings(service_name="ingest"), title="t", lifespan_parts=(), routers=(router,))
    transport = httpx.ASGITransport(app=service.api, client=("203.0.113.9", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        yield client


class TestOrigin:
    def test_outside_a_request_nothing_is_known(self) -> None:
        assert origin() == Origin(None, None, None, None)

    async def test_inside_a_request(self, http: httpx.AsyncClient) -> None:
        sent = {"user-agent": "Firefox/141", "x-purpose": "investigation-7"}
        told = (await http.get("/api/v1/act", headers=sent)).json()
        assert (told["address"], told["user_agent"], told["purpose"]) == ("203.0.113.9", "Firefox/141", "investigation-7")
        assert told["service"] == "ingest"
        assert origin() == Origin()

    async def test_an_address_that_is_none_refuses_nothing(self, http: httpx.AsyncClient) -> None:
        """A trusted proxy may pass on any text as the client's address."""
        scope = {"type": "http", "headers": [], "client": ("\ud800" + "9" * 100, 1)}
        with arriving(scope):
            assert audit_event(Action.PLATE_SEARCHED, WHO, AuditEntry()).address == "?" + "9" * 63

    @pytest.mark.parametrize("purpose", ["", "Not A Code", "a" * 41, "-x", "x;y", "é"])
    async def test_a_purpose_that_is_no_code_is_none(self, http: httpx.AsyncClient, purpose: str) -> None:
        told = (await http.get("/api/v1/act", headers={"x-purpose": purpose.encode()})).json()
        assert told["purpose"] is None

    async def test_a_long_user_agent_is_cut(self, http: httpx.AsyncClient) -> None:
        told = (await http.get("/api/v1/act", headers={"user-agent": "a" * 5_000})).json()
        assert told["user_agent"] == "a" * 300


class TestDeed:
    def test_says_who_did_what_to_what(self) -> None:
        camera = new_id()
        found = audit_event(Action.LIVE_VIEWED, WHO, AuditEntry("camera", camera, camera, details={"tiles": 4}, outcome=Outcome.REFUSED))
        assert (found.actor_id, found.actor_role, found.session_id) == (WHO.user_id, "operator", WHO.session_id)
        assert (found.action, found.outcome, found.object_kind, found.object_id) == ("live.viewed", "refused", "camera", str(camera))
        assert found.details == {"tiles": "4"}

    def test_a_refused_login_has_no_actor(self) -> None:
        found = audit_event(Action.SESSION_REFUSED, None, AuditEntry())
        assert (found.actor_id, found.actor_role, found.session_id) == (None, None, None)

    def test_is_cut_rather_than_refused(self) -> None:
        """An entry that is too long is cut, so that the change that it records succeeds."""
        details = {f"{number:03}" + "n" * 50: "v" * 20_000 for number in range(100)}
        found = audit_event(Action.SETTINGS_CHANGED, WHO, AuditEntry("x", "i" * 5_000, details=details))
        assert found.object_id == "i" * 200
        assert len(found.details) == 30
        assert {(len(name), len(value)) for name, value in found.details.items()} == {(40, 10_000)}

    def test_half_a_surrogate_pair_does_not_make_the_change_fail(self) -> None:
        found = audit_event(Action.PLATE_SEARCHED, WHO, AuditEntry("plate", "AB\ud800", details={"q": "\udfff"}))
        assert (found.object_id, found.details) == ("AB?", {"q": "?"})
        assert AuditRecorded.model_validate_json(found.model_dump_json()) == found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def db(database_for: Callable[..., Any]) -> AsyncIterator[Database]:
    async with Database(await database_for("identity"), SystemClock()) as database:
        yield database


async def outbox(db: Database, tenant_id: UUID) -> list[Any]:
    async with db.uow(None) as uow:
        rows = await uow.session.execute(text("SELECT body FROM outbox WHERE tenant_id = :t"), {"t": tenant_id})
        return [parse(AuditRecorded, row.body.encode()) for row in rows]


@pytest.mark.db
class TestRecord:
    async def test_is_written_with_its_change(self, db: Database) -> None:
        tenant_id, camera = new_id(), new_id()
        async with db.uow(tenant_id) as uow:
            record(uow, Action.CAMERA_REMOVED, WHO, AuditEntry("camera", camera, camera))
        (event,) = await outbox(db, tenant_id)
        assert (event.tenant_id, event.camera_id, event.data.action) == (tenant_id, camera, "camera.removed")

    async def test_is_rolled_back_with_its_change(self, db: Database) -> None:
        """A rolled-back transaction leaves neither its change nor its entry."""
        tenant_id = new_id()
        add = text("INSERT INTO tenant (tenant_id, name, revision, created_at) VALUES (:t, :n, 1, now())")
        with pytest.raises(RuntimeError):
            async with db.uow(tenant_id) as uow:
                await uow.session.execute(add, {"t": tenant_id, "n": str(tenant_id)})
                record(uow, Action.TENANT_CREATED, WHO, AuditEntry("tenant", tenant_id))
                raise RuntimeError
        assert await outbox(db, tenant_id) == []
        async with db.uow(tenant_id) as uow:
            assert (await uow.session.execute(text("SELECT 1 FROM tenant"))).first() is None
