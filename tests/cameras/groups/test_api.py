"""Tests of groups over HTTP, on real servers."""

from __future__ import annotations

import pytest
from tests.cameras.conftest import PATH, Running, code

from gtvision.events import CameraUpdated
from gtvision.ids import new_id
from gtvision.tenancy import Role

pytestmark = [pytest.mark.db, pytest.mark.broker]

GROUPS = "/api/v1/groups"


async def test_a_group_from_its_making_to_its_removal(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller(tenant_id=new_id()))
    made = await running.http.post(GROUPS, json={"name": " Centro "}, headers=headers)
    assert made.status_code == 201
    group = made.json()
    assert (group["name"], group["cameras"], group.keys()) == ("Centro", 0, {"id", "name", "cameras", "created_at"})
    camera = (await running.new(headers, groups=[group["id"]])).json()
    renamed = await running.http.patch(f"{GROUPS}/{group['id']}", json={"name": "Centro velho"}, headers=headers)
    assert (renamed.status_code, renamed.json()) == (200, group | {"name": "Centro velho", "cameras": 1})
    assert (await running.http.get(GROUPS, headers=headers)).json() == {"items": [renamed.json()], "next": None}
    assert code(await running.http.post(GROUPS, json={"name": "CENTRO VELHO"}, headers=headers)) == (409, "name_taken")
    assert (await running.http.delete(f"{GROUPS}/{group['id']}", headers=headers)).status_code == 204
    assert (await running.hears(CameraUpdated, camera["id"])).groups == ()
    assert (await running.http.get(f"{PATH}/{camera['id']}", headers=headers)).json()["groups"] == []
    assert code(await running.http.delete(f"{GROUPS}/{group['id']}", headers=headers)) == (404, "not_found")


async def test_pages_by_cursor_in_order_of_name(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller(tenant_id=new_id()))
    for name in ("c", "A", "é", "B", "ß"):
        assert (await running.http.post(GROUPS, json={"name": name}, headers=headers)).status_code == 201
    seen: list[str] = []
    query: dict[str, str | int] = {"limit": 2}
    while True:
        page = (await running.http.get(GROUPS, params=query, headers=headers)).json()
        seen += [group["name"] for group in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == ["A", "B", "c", "ß", "é"]
    assert code(await running.http.get(GROUPS, params={"cursor": "nonsense"}, headers=headers)) == (422, "invalid_cursor")


async def test_a_key_makes_one_group(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller(tenant_id=new_id())) | {"idempotency-key": str(new_id())}
    made, again = [await running.http.post(GROUPS, json={"name": "Centro"}, headers=headers) for _ in range(2)]
    assert (made.status_code, again.status_code, again.json()) == (201, 201, made.json())
    assert again.headers["idempotency-replayed"] == "true"
    await running.http.delete(f"{GROUPS}/{made.json()['id']}", headers=headers)
    assert code(await running.http.post(GROUPS, json={"name": "Centro"}, headers=headers)) == (409, "idempotency_gone")


async def test_who_may_and_what_is_wrong(running: Running) -> None:
    viewer = running.mint.headers(running.mint.caller(Role.VIEWER))
    assert (await running.http.get(GROUPS, headers=viewer)).status_code == 200
    assert code(await running.http.post(GROUPS, json={"name": "x"}, headers=viewer)) == (403, "missing_scope")
    headers = running.mint.headers()
    for body in ({}, {"name": ""}, {"name": " "}, {"name": "x" * 81}, {"name": "a\u0000b"}, {"name": "a", "cameras": []}):
        assert code(await running.http.post(GROUPS, json=body, headers=headers)) == (422, "invalid")
