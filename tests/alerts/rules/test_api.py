"""Tests of rules through the API: making, changing, versions, rights, and what is on record."""

from __future__ import annotations

from typing import Any

import pytest
from tests.alerts.conftest import Running
from tests.ledger import audit_entries

from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role

pytestmark = [pytest.mark.db, pytest.mark.broker]
CAMERA = str(new_id())
LINE = {"camera_ids": [CAMERA], "classes": ["car"], "line": {"a": [0, 0.5], "b": [1, 0.5], "direction": "a_to_b"}}


async def make(running: Running, caller: Caller, **more: Any) -> dict[str, Any]:
    answer = await running.send(caller, "POST", "/rules", json={"name": "Contramão na ponte", "condition": LINE} | more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_rule_is_made_switched_off_and_read_as_it_was_written(running: Running) -> None:
    caller = running.tenant()
    schedule = {"days": [0, 4], "from": "22:00", "to": "06:00", "holidays": "never"}
    made = await make(running, caller, condition=LINE | {"schedule": schedule}, channel_ids=[CAMERA])
    assert (made["enabled"], made["severity"], made["version"], made["cooldown_s"]) == (False, "warning", 1, 60)
    shown = (await running.send(caller, "GET", f"/rules/{made['rule_id']}")).json()
    assert shown == made
    assert shown["condition"]["line"] == LINE["line"]
    assert shown["condition"]["schedule"] | {"days": sorted(shown["condition"]["schedule"]["days"])} == schedule
    assert (await running.send(caller, "GET", "/rules")).json()["items"] == [made]


async def test_each_change_keeps_what_was_with_who_and_when(running: Running) -> None:
    caller, other = running.tenant(), running.mint.caller(Role.ADMIN, tenant_id=new_id())
    path = f"/rules/{(await make(running, caller))['rule_id']}"
    for body in ({"enabled": True}, {"enabled": True}, {"condition": {"classes": ["bus"]}, "severity": "critical"}):
        answer = await running.send(caller, "PATCH", path, json=body)
        assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == 3  # the same again is no change
    versions = (await running.send(caller, "GET", f"{path}/versions")).json()["items"]
    assert [(each["version"], each["enabled"], each["severity"]) for each in versions] == [
        (3, True, "critical"),
        (2, True, "warning"),
        (1, False, "warning"),
    ]
    assert versions[2]["condition"]["line"] == LINE["line"]
    assert {each["changed_by"] for each in versions} == {str(caller.user_id)}
    assert (await running.send(other, "GET", f"{path}/versions")).status_code == 404
    assert (await running.send(caller, "DELETE", path)).status_code == 204
    assert (await running.send(caller, "GET", f"{path}/versions")).status_code == 404
    found = await audit_entries(running.db, caller.tenant_id)
    assert [each.data.action for each in found] == ["rule.created", "rule.changed", "rule.changed", "rule.removed"]
    assert found[2].data.details["changed"] == "severity, condition"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"condition": LINE | {"camera_ids": []}}, 422, "exactly one camera"),
        ({"condition": LINE | {"zona": 1}}, 422, "zona"),
        ({"name": " "}, 422, "name"),
        ({"cooldown_s": -1}, 422, "cooldown_s"),
        ({"name": "Contramão na ponte"}, 409, "that name"),
    ],
)
async def test_what_cannot_be_a_rule_is_refused_with_its_reason(running: Running, body: dict[str, Any], status: int, says: str) -> None:
    caller = running.tenant()
    await make(running, caller)
    answer = await running.send(caller, "POST", "/rules", json={"name": "Outra", "condition": LINE} | body)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text


async def test_a_rule_that_is_sent_again_is_made_once(running: Running) -> None:
    caller, headers = running.tenant(), {"idempotency-key": str(new_id())}
    body = {"name": "Uma vez", "condition": LINE}
    answers = [
        await running.http.post("http://alerts/api/v1/rules", headers=running.mint.headers(caller) | headers, json=body) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len((await running.send(caller, "GET", "/rules")).json()["items"]) == 1


async def test_roles_and_groups_limit_who_sees_and_makes_rules(running: Running) -> None:
    tenant, group, camera = new_id(), new_id(), new_id()
    await running.register(tenant, camera, group)
    admin, reader = running.mint.caller(tenant_id=tenant), running.mint.caller(Role.OPERATOR, tenant_id=tenant)
    limited = running.mint.caller(tenant_id=tenant, groups=[group])
    await make(running, admin, name="Todas", condition={})
    own = await make(running, limited, name="Minha", condition={"camera_ids": [str(camera)]})
    assert [each["name"] for each in (await running.send(reader, "GET", "/rules")).json()["items"]] == ["Todas", "Minha"]
    assert (await running.send(reader, "DELETE", f"/rules/{own['rule_id']}")).status_code == 403
    assert [each["name"] for each in (await running.send(limited, "GET", "/rules")).json()["items"]] == ["Minha"]
    for condition in ({}, {"camera_ids": [str(new_id())]}, {"group_ids": [str(new_id())]}):
        answer = await running.send(limited, "PATCH", f"/rules/{own['rule_id']}", json={"condition": condition})
        assert answer.status_code == 403, answer.text
