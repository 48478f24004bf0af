"""Tests of Telegram, Slack, PagerDuty and WhatsApp gateways, against servers that answer as their documentation says.

https://core.telegram.org/bots/api#making-requests
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
https://github.com/PagerDuty/api-schema/blob/main/reference/events-v2/openapiv3.json
"""

from __future__ import annotations

import email
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.alerts.gateways.conftest import JPEG, a_channel, a_message, an_alert
from tests.fixtures.receivers import Receiver, Said

from alerts.alerts.domain import Notice
from alerts.channels.domain import Kind, Outcome
from alerts.channels.fakes import FakeSender
from alerts.channels.ports import Sender
from alerts.gateways.pagerduty import PagerDutySender
from alerts.gateways.slack import SlackSender
from alerts.gateways.telegram import TelegramSender
from alerts.gateways.whatsapp import WhatsAppSender
from chassis.outbound import OutboundHttp, trust
from gtvision.addresses import AddressPolicy

TELEGRAM = a_channel(Kind.TELEGRAM, {"chat_id": "-100123"}, token="123456:um-segredo-qualquer")
SLACK = a_channel(Kind.SLACK, webhook_url="https://hooks.slack.com/services/T0/B0/segredo")
PAGERDUTY = a_channel(Kind.PAGERDUTY, routing_key="0123456789abcdef0123456789abcdef")
MAKERS: dict[str, Callable[[OutboundHttp, Receiver], tuple[Sender, Any]]] = {
    "telegram": lambda guard, receiver: (TelegramSender(guard, receiver.url), TELEGRAM),
    "slack": lambda guard, receiver: (SlackSender(guard, receiver.url), SLACK),
    "pagerduty": lambda guard, receiver: (PagerDutySender(guard, receiver.url), PAGERDUTY),
    "whatsapp": lambda guard, receiver: (
        WhatsAppSender(guard),
        a_channel(Kind.WHATSAPP, {"url": f"{receiver.url}/send", "to": "+5541999990000"}, token="segredo"),
    ),
    "fake": lambda guard, receiver: (FakeSender(), SLACK),
}


@pytest.fixture(params=MAKERS)
def sender(request: pytest.FixtureRequest, guard: OutboundHttp, receiver: Receiver) -> tuple[Sender, Any]:
    return MAKERS[request.param](guard, receiver)


async def test_what_is_accepted_is_delivered(sender: tuple[Sender, Any], receiver: Receiver) -> None:
    receiver.says(Said(202 if isinstance(sender[0], PagerDutySender) else 200))
    answer = await sender[0].send(sender[1], a_message())
    assert (answer.outcome, answer.is_delivered) == (Outcome.DELIVERED, True)


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "fake"])
async def test_a_failure_is_tried_later_or_not_at_all(kind: str, guard: OutboundHttp, receiver: Receiver) -> None:
    sender, channel = MAKERS[kind](guard, receiver)
    for_a_while = Outcome.LATER if kind in {"slack", "whatsapp"} else Outcome.REFUSED
    for said, outcome in (
        (Said(429, headers={"retry-after": "30"}), Outcome.LATER),
        (Said(500), Outcome.LATER),
        (Said(503, b"<html>segredo</html>"), Outcome.LATER),
        (Said(hangs=True), Outcome.LATER),
        (Said(400), Outcome.REFUSED),
        (Said(403), for_a_while),
        (Said(404), for_a_while),
        (Said(302, headers={"location": "https://example.com/"}), for_a_while),
    ):
        receiver.says(said)
        answer = await sender.send(channel, a_message(acknowledge_url=None))
        assert answer.outcome is outcome, said
        assert answer.retry_after_s == (30 if said.status == 429 else None)
        assert len(receiver.asked) == 1


async def test_a_certificate_that_is_not_trusted_is_a_failure_without_the_secret_in_it(receiver: Receiver) -> None:
    strict = OutboundHttp(AddressPolicy(allow_loopback=True), trust(), agent="test")
    answer = await TelegramSender(strict, receiver.url).send(TELEGRAM, a_message())
    assert (answer.outcome, answer.detail) == (Outcome.LATER, "sem resposta (o certificado ou a criptografia não foi aceita)")
    closed = OutboundHttp(AddressPolicy(), trust(), agent="test")
    answer = await TelegramSender(closed, receiver.url).send(TELEGRAM, a_message())
    assert (answer.outcome, receiver.asked) == (Outcome.REFUSED, [])
    assert "segredo" not in repr(TELEGRAM)


async def test_telegram_gets_escaped_text_and_a_button(guard: OutboundHttp, receiver: Receiver) -> None:
    await TelegramSender(guard, receiver.url).send(TELEGRAM, a_message())
    (asked,) = receiver.asked
    assert asked.path == "/bot123456:um-segredo-qualquer/sendMessage"
    body = asked.json()
    assert (body["chat_id"], body["parse_mode"]) == ("-100123", "HTML")
    assert body["text"].startswith("<b>CRÍTICO: Placa ABC1D23 &lt;vista&gt; &amp; parada</b>\n\nCâmera: Portão &lt;1&gt;\n")
    (((button,),),) = (body["reply_markup"]["inline_keyboard"],)
    assert button == {"text": "Dar ciência", "url": "https://video.cidade.example/api/v1/alerts/links/abc"}


async def test_telegram_gets_the_picture_with_a_caption_that_fits(guard: OutboundHttp, receiver: Receiver) -> None:
    await TelegramSender(guard, receiver.url).send(TELEGRAM, a_message(picture=JPEG, body="🚗 " * 900, to="777"))
    (asked,) = receiver.asked
    assert asked.path.endswith("/sendPhoto")
    parts = email.message_from_bytes(f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode() + asked.content).get_payload()
    fields = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}  # type: ignore[union-attr]
    assert (fields["chat_id"], fields["photo"]) == (b"777", JPEG)
    assert orjson.loads(fields["reply_markup"])["inline_keyboard"]
    caption = fields["caption"].decode().replace("<b>", "").replace("</b>", "").replace("&lt;", "<").replace("&gt;", ">")
    assert len(caption.replace("&amp;", "&").encode("utf-16-le")) // 2 <= 1_024


async def test_telegram_says_how_long_to_wait_where_a_group_went_and_refuses_some_buttons(guard: OutboundHttp, receiver: Receiver) -> None:
    telegram = TelegramSender(guard, receiver.url)
    flood = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 17", "parameters": {"retry_after": 17}}
    receiver.says(Said(429, orjson.dumps(flood)))
    answer = await telegram.send(TELEGRAM, a_message())
    assert (answer.outcome, answer.retry_after_s) == (Outcome.LATER, 17)
    moved = {"ok": False, "description": "Bad Request: group chat was upgraded", "parameters": {"migrate_to_chat_id": -1009}}
    receiver.says(Said(400, orjson.dumps(moved)))
    answer = await telegram.send(TELEGRAM, a_message())
    assert (answer.outcome, "-1009" in answer.detail) == (Outcome.REFUSED, True)
    wrong = {"ok": False, "description": "Bad Request: inline keyboard button URL 'https://10.0.0.1/' is invalid: Wrong HTTP URL"}
    receiver.says(Said(400, orjson.dumps(wrong)), Said())
    assert (await telegram.send(TELEGRAM, a_message())).is_delivered
    assert "reply_markup" not in receiver.asked[1].json()


async def test_slack_gets_blocks_within_its_limits(guard: OutboundHttp, receiver: Receiver) -> None:
    slack = SlackSender(guard, receiver.url)
    await slack.send(SLACK, a_message())
    (asked,) = receiver.asked
    assert asked.path == "/services/T0/B0/segredo"
    body = asked.json()
    assert body["text"] == "CRÍTICO: Placa ABC1D23 &lt;vista&gt; &amp; parada"
    assert body["blocks"][0]["text"] == {"type": "mrkdwn", "text": f"*{body['text']}*"}
    assert body["blocks"][-1]["elements"][0]["url"] == "https://video.cidade.example/api/v1/alerts/links/abc"
    assert "ticket=abc|Ver imagem>" in body["blocks"][1]["text"]["text"]
    receiver.says(Said(404, b"no_service"))
    long = await slack.send(SLACK, a_message(body="\n".join(f"linha {n} " + "x" * 200 for n in range(500))))
    assert long.detail == "resposta 404: no_service"
    blocks = receiver.asked[0].json()["blocks"]
    assert len(blocks) <= 50
    assert max(len(block["text"]["text"]) for block in blocks[:-1]) <= 3_000


async def test_an_alert_is_one_incident_of_pagerduty_from_trigger_to_resolve(guard: OutboundHttp, receiver: Receiver) -> None:
    pagerduty = PagerDutySender(guard, receiver.url)
    message = a_message()
    for notice in (Notice.RAISED, Notice.ACKNOWLEDGED, Notice.RESOLVED):
        await pagerduty.send(PAGERDUTY, replace(message, notice=notice))
    bodies = [asked.json() for asked in receiver.asked]
    assert [body["event_action"] for body in bodies] == ["trigger", "acknowledge", "resolve"]
    assert {(body["dedup_key"], body["routing_key"]) for body in bodies} == {
        (str(message.alert.alert_id), PAGERDUTY.secrets["routing_key"])
    }
    payload = bodies[0]["payload"]
    assert (payload["severity"], payload["source"], payload["timestamp"]) == ("critical", "Portão", "2026-05-01T12:00:00Z")
    assert "payload" not in bodies[2]
    wrong = {"status": "invalid event", "message": "Event object is invalid", "errors": ["Length of 'routing_key' is incorrect"]}
    receiver.says(Said(400, orjson.dumps(wrong)))
    answer = await pagerduty.send(PAGERDUTY, message)
    assert answer.detail == "resposta 400: Event object is invalid Length of 'routing_key' is incorrect"


async def test_a_whatsapp_gateway_gets_a_token_and_every_telephone(guard: OutboundHttp, receiver: Receiver) -> None:
    channel = a_channel(Kind.WHATSAPP, {"url": f"{receiver.url}/send", "to": "+5541999990000, +5541988880000"}, token="segredo")
    message = a_message(alert=an_alert())
    await WhatsAppSender(guard).send(channel, message)
    (asked,) = receiver.asked
    assert (asked.headers["authorization"], asked.headers["idempotency-key"]) == ("Bearer segredo", str(message.delivery_id))
    assert asked.json()["to"] == ["+5541999990000", "+5541988880000"]
    plain = replace(channel, settings={"url": receiver.url.replace("https", "http"), "to": "+5541999990000"})
    assert (await WhatsAppSender(guard).send(plain, message)).outcome is Outcome.REFUSED
