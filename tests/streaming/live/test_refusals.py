"""Tests of audit entries of refused tickets for live views."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tests.ledger import audit_entries
from tests.streaming.conftest import Running, announce, registered

from gtvision.camera import path_name
from gtvision.events import AuditRecorded, Event
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def a_camera(running: Running) -> tuple[Caller, UUID]:
    tenant, camera = new_id(), new_id()
    await announce(running, registered(running, tenant, camera))
    await running.reconciler.reconcile()
    return running.mint.caller(Role.OPERATOR, tenant_id=tenant), camera


async def refused(running: Running, tenant: UUID) -> list[Event[AuditRecorded]]:
    async with asyncio.timeout(120):
        while not (found := await audit_entries(running.db, tenant)):
            await asyncio.sleep(0.05)
    return found


async def ask(running: Running, camera: UUID, ticket: str) -> int:
    body: dict[str, Any] = {"ip": "198.51.100.7", "action": "read", "protocol": "webrtc", "id": str(new_id()), "userAgent": "Firefox"}
    body |= {"path": path_name(camera), "query": f"ticket={ticket}"}
    return (await running.hook.post("/internal/media/auth", json=body)).status_code


async def test_a_refused_ticket_is_on_record_of_its_own_tenant(running: Running) -> None:
    caller, camera = await a_camera(running)
    stranger = running.mint.caller(tenant_id=new_id())
    assert await ask(running, camera, running.mint.ticket("live", stranger, camera)) == 403
    [record] = await refused(running, stranger.tenant_id)
    said = record.data
    assert (said.action, said.outcome, said.actor_id, said.session_id) == (
        "live.refused",
        "refused",
        stranger.user_id,
        stranger.session_id,
    )
    assert (said.object_kind, said.object_id, said.address, said.service) == ("camera", str(camera), "198.51.100.7", "streaming")
    assert said.details == {"reason": "not_found", "times": "1"}
    assert await audit_entries(running.db, caller.tenant_id) == []


async def test_a_view_that_is_let_in_is_on_record_when_the_hook_says_yes(running: Running) -> None:
    caller, camera = await a_camera(running)
    running.media.inbound[path_name(camera)] = 1
    await running.reconciler.reconcile()
    ticket = running.mint.signer.ticket(caller, "live", camera, declared_purpose="crime")
    assert await ask(running, camera, ticket) == 204
    [record] = await audit_entries(running.db, caller.tenant_id)
    assert (record.data.action, record.data.outcome, record.data.purpose) == ("live.viewed", "allowed", "crime")
    assert (record.data.user_agent, record.data.address, record.camera_id) == ("Firefox", "198.51.100.7", camera)
    again = running.mint.signer.ticket(caller, "live", camera, declared_purpose="crime")
    assert await ask(running, camera, again) == 204
    assert len(await audit_entries(running.db, caller.tenant_id)) == 1
