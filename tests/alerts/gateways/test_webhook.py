"""Tests of signed webhooks with the reference code of Standard Webhooks, and with the code that our own page shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests.alerts.gateways.conftest import NOW, a_channel, a_message, an_alert
from tests.fixtures import needs
from tests.fixtures.receivers import Asked, Receiver

from alerts.channels.domain import Kind
from alerts.gateways.webhook import WebhookSender
from chassis.outbound import OutboundHttp
from gtvision.time import SystemClock

PAGE = Path(__file__).parents[3] / "docs/webhooks.md"
SECRET, BEFORE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 32


@pytest.fixture
async def asked(guard: OutboundHttp, receiver: Receiver) -> Asked:
    channel = a_channel(Kind.WEBHOOK, {"url": f"{receiver.url}/alertas"}, secret=SECRET, previous_secret=BEFORE)
    answer = await WebhookSender(guard, SystemClock()).send(channel, a_message(alert=an_alert(details={"Causa": "sem sinal"})))
    assert answer.is_delivered
    return receiver.asked[0]


async def test_the_reference_verifies_both_secrets_and_nothing_else(asked: Asked) -> None:
    for secret in (SECRET, BEFORE):
        assert Webhook(secret).verify(asked.content, asked.headers)["type"] == "alert.raised"
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "B" * 32).verify(asked.content, asked.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(asked.content.replace(b"critical", b"info"), asked.headers)


async def test_a_repeat_has_the_same_id_and_a_later_time(guard: OutboundHttp, receiver: Receiver) -> None:
    channel, message = a_channel(Kind.WEBHOOK, {"url": receiver.url}, secret=SECRET), a_message()
    for _ in range(2):
        await WebhookSender(guard, SystemClock()).send(channel, message)
    assert {each.headers["webhook-id"] for each in receiver.asked} == {str(message.delivery_id)}


async def test_the_content_is_what_the_page_says(asked: Asked) -> None:
    (example,) = (block for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL) if '"alert.raised"' in block)
    shown, sent = json.loads(example), asked.json()
    assert shown.keys() == sent.keys()
    assert shown["data"].keys() == sent["data"].keys()
    assert shown["data"]["alert"].keys() == sent["data"]["alert"].keys()
    assert sent["data"]["alert"]["raised_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert "evidence_key" not in sent["data"]["alert"]


@pytest.mark.parametrize("language", ["python", "js"])
async def test_the_code_of_the_page_verifies(asked: Asked, language: str, tmp_path: Path) -> None:
    program = {"python": sys.executable, "js": shutil.which("node")}[language]
    if program is None:
        needs.lacks("Node")
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "verify.mjs").write_text(code)
    for content, verdict in ((asked.content, "accepted alert.raised"), (asked.content + b" ", "refused")):
        given = {"headers": asked.headers, "body": content.decode(), "secret": SECRET}
        ran = subprocess.run(
            [program, tmp_path / "verify.mjs"], input=json.dumps(given), text=True, capture_output=True, timeout=30, check=False
        )
        assert ran.stdout.strip() == verdict, ran.stderr
