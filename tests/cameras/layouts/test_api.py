"""Tests of layouts of the video wall over HTTP, on real servers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cameras.conftest import Running, code

from gtvision.ids import new_id
from gtvision.tenancy import Role

pytestmark = [pytest.mark.db, pytest.mark.broker]

LAYOUTS = "/api/v1/layouts"
CAMERA = str(new_id())
NEW: dict[str, Any] = {"name": "Centro", "tiles": 4, "cameras": [CAMERA, None], "patrol_s": 30}


async def test_a_layout_from_its_making_to_its_removal(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller(Role.VIEWER))
    made = await running.http.post(LAYOUTS, json=NEW, headers=headers)
    assert made.status_code == 201
    layout = made.json()
    assert {name: layout[name] for name in NEW} == NEW
    path = f"{LAYOUTS}/{layout['id']}"
    changed = await running.http.put(path, json={"name": "Praças", "tiles": 25}, headers=headers)
    assert changed.status_code == 200
    shown = changed.json()
    assert (shown["name"], shown["tiles"], shown["cameras"], shown["patrol_s"], shown["id"]) == ("Praças", 25, [], None, layout["id"])
    assert (await running.http.get(LAYOUTS, headers=headers)).json() == {"items": [shown], "next": None}
    assert (await running.http.delete(path, headers=headers)).status_code == 204
    for answer in (await running.http.delete(path, headers=headers), await running.http.put(path, json=NEW, headers=headers)):
        assert code(answer) == (404, "not_found")
    assert (await running.http.get(LAYOUTS, headers=headers)).json()["items"] == []


async def test_they_are_listed_by_name(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller())
    for name in ("b", "C", "a"):
        await running.http.post(LAYOUTS, json=NEW | {"name": name}, headers=headers)
    assert [layout["name"] for layout in (await running.http.get(LAYOUTS, headers=headers)).json()["items"]] == ["a", "b", "C"]


async def test_a_layout_is_its_users_own(running: Running) -> None:
    one = running.mint.caller()
    colleague = running.mint.headers(running.mint.caller(tenant_id=one.tenant_id))
    layout = (await running.http.post(LAYOUTS, json=NEW, headers=running.mint.headers(one))).json()
    assert (await running.http.get(LAYOUTS, headers=colleague)).json()["items"] == []
    path = f"{LAYOUTS}/{layout['id']}"
    for answer in (await running.http.delete(path, headers=colleague), await running.http.put(path, json=NEW, headers=colleague)):
        assert code(answer) == (404, "not_found")
    assert (await running.http.get(LAYOUTS, headers=running.mint.headers(one))).json()["items"] == [layout]


async def test_a_key_makes_one_layout(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller()) | {"idempotency-key": str(new_id())}
    made, again = [await running.http.post(LAYOUTS, json=NEW, headers=headers) for _ in range(2)]
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (201, made.json(), "true")
    await running.http.delete(f"{LAYOUTS}/{made.json()['id']}", headers=headers)
    assert code(await running.http.post(LAYOUTS, json=NEW, headers=headers)) == (409, "idempotency_gone")


async def test_a_user_keeps_fifty(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller())
    made = [await running.http.post(LAYOUTS, json=NEW, headers=headers) for _ in range(51)]
    assert [answer.status_code for answer in made] == [201] * 50 + [409]
    assert code(made[-1]) == (409, "too_many_layouts")
    await running.http.delete(f"{LAYOUTS}/{made[0].json()['id']}", headers=headers)
    assert (await running.http.post(LAYOUTS, json=NEW, headers=headers)).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        *({"name": ""}, {"name": "a\0b"}, {"tiles": 2}, {"tiles": None}, {"patrol_s": 4}, {"patrol_s": 601}),
        *({"cameras": ["x"]}, {"cameras": [CAMERA] * 26}, {"cameras": None}, {"owner": CAMERA}),
    ],
)
async def test_wrong_layouts(running: Running, change: dict[str, Any]) -> None:
    headers = running.mint.headers()
    assert code(await running.http.post(LAYOUTS, json=NEW | change, headers=headers)) == (422, "invalid")


async def test_only_those_who_watch_have_layouts(running: Running) -> None:
    auditor = running.mint.headers(running.mint.caller(Role.AUDITOR))
    assert code(await running.http.get(LAYOUTS, headers=auditor)) == (403, "missing_scope")
