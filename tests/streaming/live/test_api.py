"""Tests of the auth hook, which decides who may read a path."""

from __future__ import annotations

from typing import Any

import pytest
from tests.streaming.conftest import Running, announce, registered

from gtvision.camera import path_name
from gtvision.ids import new_id
from gtvision.tenancy import Role

pytestmark = [pytest.mark.db, pytest.mark.broker]


class TestHook:
    async def ask(self, running: Running, **fields: Any) -> int:
        body = {
            "ip": "10.0.0.1",
            "user": "",
            "password": "",
            "token": "",
            "action": "read",
            "protocol": "webrtc",
            "query": "",
            "userAgent": "x",
        }
        body |= {"id": str(new_id())} | fields
        return (await running.hook.post("/internal/media/auth", json=body)).status_code

    async def test_a_ticket_opens_one_view_of_one_camera(self, running: Running) -> None:
        tenant, camera, other = new_id(), new_id(), new_id()
        for each in (camera, other):
            await announce(running, registered(running, tenant, each))
        await running.reconciler.reconcile()
        running.media.inbound[path_name(camera)] = 1
        await running.reconciler.reconcile()
        caller = running.mint.caller(Role.VIEWER, tenant_id=tenant)
        query = f"ticket={running.mint.ticket('live', caller, camera)}"
        assert await self.ask(running, path=path_name(other), query=f"ticket={running.mint.ticket('live', caller, camera)}") == 403
        assert await self.ask(running, path=path_name(camera), query=query) == 204
        assert await self.ask(running, path=path_name(camera), query=query) == 401

    async def test_a_question_outside_a_session_spends_nothing(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        await announce(running, registered(running, tenant, camera))
        await running.reconciler.reconcile()
        query = f"ticket={running.mint.ticket('live', running.mint.caller(tenant_id=tenant), camera)}"
        for expected in (204, 204):
            assert await self.ask(running, path=path_name(camera), query=query, id=None) == expected
        assert await self.ask(running, path=path_name(camera), query=query) == 204

    async def test_other_tenants_groups_purposes_and_lapsed_tickets_are_refused(self, running: Running) -> None:
        tenant, camera = new_id(), new_id()
        await announce(running, registered(running, tenant, camera, groups=(new_id(),)))
        await running.reconciler.reconcile()
        mint = running.mint
        own = mint.caller(tenant_id=tenant)
        tickets = {
            "stranger": (mint.ticket("live", mint.caller(tenant_id=new_id()), camera), 403),
            "group": (mint.ticket("live", mint.caller(tenant_id=tenant, groups=[new_id()]), camera), 403),
            "purpose": (mint.ticket("ws", own), 403),
            "lapsed": (mint.ticket("live", own, camera, lifetime_s=-60), 401),
            "access token": (mint.token(own), 401),
            "rubbish": ("x.y.z", 401),
        }
        for name, (ticket, expected) in tickets.items():
            assert await self.ask(running, path=path_name(camera), query=f"ticket={ticket}") == expected, name

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"protocol": "rtsp", "user": "reader", "password": "reader-password"}, 204),
            ({"protocol": "rtsp"}, 401),
            ({"protocol": "rtsp", "user": "reader", "password": "operator-password"}, 401),
            ({"protocol": "hls", "user": "reader", "password": "reader-password"}, 401),
            ({"action": "api", "protocol": "", "user": "streaming", "password": "operator-password"}, 204),
            ({"action": "metrics", "protocol": "", "user": "reader", "password": "reader-password"}, 401),
            ({"action": "publish", "protocol": "rtmp"}, 403),
            ({"action": "pprof", "protocol": ""}, 403),
        ],
    )
    async def test_machines_have_credentials_of_their_own(self, running: Running, fields: dict[str, Any], expected: int) -> None:
        assert await self.ask(running, path=path_name(new_id()), **fields) == expected

    async def test_the_hook_is_not_on_the_public_port(self, running: Running) -> None:
        answer = await running.http.post("http://streaming/internal/media/auth", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
