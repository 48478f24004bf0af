"""Tests of channels over HTTP, on real servers and a receiver of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook
from tests.alerts.conftest import Running, seen
from tests.fixtures.receivers import Receiver, Said, receiving

from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role

pytestmark = [pytest.mark.db, pytest.mark.broker]

TELEGRAM = {"kind": "telegram", "name": "Plantão", "settings": {"chat_id": "-100123"}, "secrets": {"token": "123456:segredo-do-bot-x"}}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


async def connect(running: Running, caller: Caller, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
    made = await running.send(caller, "POST", "/channels", json=body)
    assert made.status_code == status, made.text
    result: dict[str, Any] = made.json()
    return result


async def webhook(running: Running, caller: Caller, receiver: Receiver, **more: Any) -> str:
    body = {"kind": "webhook", "name": "Parceiro", "settings": {"url": f"{receiver.url}/alertas"}} | more
    return str((await connect(running, caller, body))["channel_id"])


async def test_a_secret_goes_in_and_never_comes_out(running: Running) -> None:
    caller = running.tenant()
    made = await connect(running, caller, TELEGRAM)
    path = f"/channels/{made['channel_id']}"
    assert (made["secrets_set"], made["settings"], made["min_severity"], made["trouble"]) == (
        ["token"],
        {"chat_id": "-100123"},
        "warning",
        None,
    )
    await running.send(caller, "PATCH", path, json={"settings": {"chat_id": "@plantao"}})
    changed = await running.send(caller, "PATCH", path, json={"quiet_hours": {"from": "22:00", "to": "06:00"}, "kinds": ["camera_lost"]})
    assert changed.json()["settings"] == {"chat_id": "@plantao"}
    assert changed.json()["quiet_hours"] == {"from": "22:00", "to": "06:00", "days": [], "except_critical": True}
    everything = [await running.send(caller, "GET", each) for each in (path, "/channels", "/channels/kinds")]
    assert not any("segredo" in answer.text for answer in (*everything, changed))
    assert (await running.send(caller, "DELETE", path)).status_code == 204
    assert (await running.send(caller, "GET", path)).status_code == 404


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        ({"secrets": {}}, "invalid_channel", "token is missing"),
        ({"settings": {"chat_id": "-1", "url": "https://x"}}, "invalid_channel", "no url"),
        ({"settings": {"chat_id": "-1 OR 1"}}, "invalid_channel", "chat_id"),
        ({"settings": {"token": "123456:abcdefghij"}}, "invalid_channel", "chat_id is missing"),
        ({"template": {"subject": "x", "body": "{{ title.__class__ }}"}}, "invalid_template", ""),
        ({"quiet_hours": {"from": "25:00", "to": "06:00"}}, "invalid", ""),
        ({"kind": "pombo"}, "invalid", ""),
        ({"enabled": None}, "invalid", "enabled"),
    ],
)
async def test_what_is_wrong_is_refused_by_name(running: Running, change: dict[str, Any], code: str, named: str) -> None:
    answer = await connect(running, running.tenant(), TELEGRAM | change, 422)
    assert answer["code"] == code
    assert named in answer["detail"]


async def test_a_channel_is_tested_and_its_trouble_is_known(running: Running, receiver: Receiver) -> None:
    caller = running.tenant()
    channel = await webhook(running, caller, receiver)
    tested = (await running.send(caller, "POST", f"/channels/{channel}/test")).json()
    assert (tested["delivered"], tested["detail"]) == (True, "entregue")
    (asked,) = receiver.asked
    assert (asked.path, asked.json()["type"], asked.json()["data"]["alert"]["kind"]) == ("/alertas", "alert.raised", "test")
    receiver.says(Said(410))
    tested = (await running.send(caller, "POST", f"/channels/{channel}/test")).json()
    assert (tested["delivered"], tested["detail"]) == (False, "resposta 410")


async def test_a_replaced_secret_signs_for_a_day_beside_the_new_one(running: Running, receiver: Receiver) -> None:
    caller = running.tenant()
    channel = await webhook(running, caller, receiver)
    secrets = [(await running.send(caller, "POST", f"/channels/{channel}/secret")).json()["secret"] for _ in range(2)]
    await running.send(caller, "POST", f"/channels/{channel}/test")
    (asked,) = receiver.asked
    for secret in secrets:
        Webhook(secret).verify(asked.content, asked.headers)
    assert len(asked.headers["webhook-signature"].split()) == 2
    made = await connect(running, caller, TELEGRAM)
    assert (await running.send(caller, "POST", f"/channels/{made['channel_id']}/secret")).json()["code"] == "invalid_channel"


async def test_a_preview_reads_as_of_the_newest_alert_and_its_picture_opens_by_the_link_alone(running: Running) -> None:
    caller = running.tenant()
    await running.watch(caller, "ABC1234", name="Furtados")
    await running.store(caller.tenant_id, seen("ABC1234"))
    template = {"subject": "{{ plate }}", "body": "{{ severity }} {{ time }}{% if link %} {{ link }}{% endif %}"}
    shown = (await running.send(caller, "POST", "/channels/preview", json={"kind": "email", "template": template})).json()
    (alert,) = await running.alerts(caller)
    link = f"https://video.cidade.example/alertas/{alert['alert_id']}"
    assert shown == {"subject": "ABC-1234", "body": f"crítico 01/05/2026 09:00:00 {link}"}
    by_default = (await running.send(caller, "POST", "/channels/preview", json={"kind": "sms"})).json()
    assert by_default["subject"].startswith("CRÍTICO: Placa ABC-1234")
    stranger = running.tenant()
    hidden = await running.send(stranger, "POST", "/channels/preview", json={"kind": "sms", "alert_id": alert["alert_id"]})
    assert hidden.status_code == 404


async def test_the_key_of_a_city_stays_and_a_person_subscribes_a_browser(running: Running) -> None:
    caller = running.tenant()
    viewer = running.mint.caller(Role.VIEWER, tenant_id=caller.tenant_id)
    keys = [(await running.send(each, "GET", "/channels/push-key")).json()["public_key"] for each in (viewer, caller)]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 87
    body = {"endpoint": f"https://push.example/{new_id()}", "expirationTime": None, "keys": {"p256dh": keys[0], "auth": "A" * 22}}
    for _ in range(2):
        assert (await running.send(viewer, "POST", "/channels/push-subscriptions", json=body)).status_code == 204
    gone = await running.send(viewer, "DELETE", "/channels/push-subscriptions", params={"endpoint": body["endpoint"]})
    assert gone.status_code == 204
    plain = body | {"endpoint": "http://push.example/1"}
    assert (await running.send(viewer, "POST", "/channels/push-subscriptions", json=plain)).status_code == 422


async def test_a_viewer_changes_no_channel(running: Running) -> None:
    caller = running.tenant()
    viewer = running.mint.caller(Role.VIEWER, tenant_id=caller.tenant_id)
    assert (await running.send(viewer, "POST", "/channels", json=TELEGRAM)).status_code == 403


async def test_a_link_that_is_not_ours_shows_no_picture(running: Running) -> None:
    for ticket in ("", "v1.test.AAAA", "x"):
        answer = await running.http.get("http://alerts/api/v1/channels/picture", params={"ticket": ticket})
        assert answer.status_code == 404
