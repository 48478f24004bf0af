"""Tests of the routes of escalation and of messages, and of the page behind a link, on real servers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.alerts.conftest import NOW, Running
from tests.chassis.waiting import until
from tests.ledger import audit_entries

from alerts.alerts.domain import Occurrence
from alerts.alerts.usecases import Alerts
from gtvision.events import Severity
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role

pytestmark = [pytest.mark.db, pytest.mark.broker]

POLICY: dict[str, Any] = {
    "name": "Furtos",
    "severities": ["critical"],
    "steps": [{"after_min": 0, "channel_ids": [str(new_id())]}],
    "repeat_h": 2,
}
MEMBER: dict[str, Any] = {"name": "Ana", "reach": [{"channel_id": str(new_id()), "to": "41 9999"}]}
GROUP = {
    "name": "Plantão",
    "members": [MEMBER, MEMBER | {"name": "Bia"}],
    "rotation": {"starts_on": "2026-05-04", "at": "08:00", "days": 7},
}


async def make(running: Running, caller: Caller, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await running.send(caller, "POST", path, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_policies_are_made_changed_and_removed_on_record(running: Running) -> None:
    caller = running.tenant()
    made = await make(running, caller, "/escalation/policies", POLICY)
    assert made["steps"] == [{"after_min": 0, "channel_ids": POLICY["steps"][0]["channel_ids"], "group_ids": []}]
    assert (made["severities"], made["kinds"], made["repeat_h"], made["enabled"]) == (["critical"], [], 2, True)
    path = f"/escalation/policies/{made['policy_id']}"
    changed = await running.send(caller, "PATCH", path, json={"enabled": False, "repeat_h": None})
    assert changed.json() == made | {"enabled": False, "repeat_h": None}
    assert (await running.send(running.tenant(), "DELETE", path)).status_code == 404
    assert (await running.send(caller, "DELETE", path)).status_code == 204
    assert (await running.send(caller, "GET", "/escalation/policies")).json()["items"] == []
    entries = [each.data for each in await audit_entries(running.db, caller.tenant_id)]
    assert {each.action for each in entries} == {"escalation.changed"}
    assert [(each.details or {})["changed"] for each in entries] == ["created", "enabled, repeat_h", "removed"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": []},
        {"steps": [{"after_min": 5, "channel_ids": [str(new_id())]}]},
        {"steps": [{"after_min": 0}]},
        {"repeat_h": 13},
        {"severities": ["loud"]},
        {"name": ""},
    ],
)
async def test_a_policy_that_tells_nobody_is_refused(running: Running, wrong: dict[str, Any]) -> None:
    answer = await running.send(running.tenant(), "POST", "/escalation/policies", json=POLICY | wrong)
    assert answer.status_code == 422


async def test_a_group_takes_turns_and_an_override_changes_who_is_on_call(running: Running) -> None:
    caller = running.tenant()
    made = await make(running, caller, "/escalation/groups", GROUP)
    assert made["members"][0]["reach"] == MEMBER["reach"]
    shifts = (await running.send(caller, "GET", "/escalation/on-call", params={"weeks": 3})).json()["items"]
    names = [shift["member"] for shift in shifts]
    assert names in (["Ana", "Bia", "Ana", "Bia"], ["Bia", "Ana", "Bia", "Ana"], ["Ana", "Bia", "Ana"], ["Bia", "Ana", "Bia"])
    override = {"from": shifts[0]["from"], "to": shifts[0]["to"], "member": names[1]}
    path = f"/escalation/groups/{made['group_id']}"
    assert (await running.send(caller, "PATCH", path, json={"overrides": [override]})).status_code == 200
    assert (await running.send(caller, "GET", "/escalation/on-call")).json()["items"][0]["member"] == names[1]
    refused = await running.send(caller, "PATCH", path, json={"overrides": [override | {"member": "Davi"}]})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


async def test_an_operator_reads_and_does_not_write(running: Running) -> None:
    operator = running.tenant(Role.OPERATOR)
    for path in ("/escalation/policies", "/escalation/groups", "/escalation/on-call", "/deliveries"):
        assert (await running.send(operator, "GET", path)).status_code == 200, path
    assert (await running.send(operator, "POST", "/escalation/policies", json=POLICY)).status_code == 403
    assert (await running.send(running.tenant(Role.VIEWER), "GET", "/deliveries")).status_code == 403


async def test_from_an_alert_to_the_log_of_messages(running: Running) -> None:
    caller = running.tenant()
    hook = {"kind": "webhook", "name": "Central", "settings": {"url": "http://127.0.0.1:9/alertas"}}
    channel = await make(running, caller, "/channels", hook)
    alerts = running.service.api.state.provided[Alerts]
    async with alerts.uow(caller.tenant_id) as uow:
        await alerts.raise_alert(uow, Occurrence("budget", "80", Severity.WARNING, "Orçamento", NOW, lasting=True))

    async def tried() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await running.send(caller, "GET", "/deliveries")).json()["items"]
        return [item for item in items if item["last_answer"]]

    await until(tried)
    [message] = await tried()
    assert (message["channel_name"], message["notice"], message["state"]) == ("Central", "raised", "waiting")
    assert message["channel_id"] == channel["channel_id"]
    path = f"/deliveries/{message['delivery_id']}"
    assert [each["outcome"] for each in (await running.send(caller, "GET", path)).json()["tries"]] == ["later"]
    for params, count in (({"state": "delivered"}, 0), ({"alert_id": message["alert_id"]}, 1), ({"channel_id": str(new_id())}, 0)):
        assert len((await running.send(caller, "GET", "/deliveries", params=params)).json()["items"]) == count
    assert (await running.send(caller, "POST", f"{path}/replay")).status_code == 409
    assert message["alert_title"] == "Orçamento"
