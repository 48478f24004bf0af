"""Tests of Web Push, decrypted as a browser does, and of SMS against a server that answers like Twilio."""

from __future__ import annotations

import asyncio
import base64
import os
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import http_ece
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from tests.alerts.gateways.conftest import NOW, a_channel, a_message, an_alert
from tests.fixtures.receivers import Receiver, Said, receiving

from alerts.browsers.domain import Browser
from alerts.browsers.usecases import _new_keys
from alerts.channels.domain import Answer, Kind, Message, OpenChannel, Outcome
from alerts.gateways import web_push
from alerts.gateways.sms import SmsSender
from alerts.gateways.web_push import WebPushSender
from chassis.outbound import OutboundHttp
from gtvision.ids import new_id
from gtvision.time import SystemClock


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Page:
    """A browser's side of a subscription."""

    def __init__(self, endpoint: str) -> None:
        self.key, self.auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.browser = Browser(new_id(), new_id(), endpoint, b64(point), b64(self.auth), NOW)

    def read(self, content: bytes) -> Any:
        return orjson.loads(http_ece.decrypt(content, private_key=self.key, auth_secret=self.auth, version="aes128gcm"))


def push_channel(*pages: Page) -> OpenChannel:
    public, private = _new_keys()
    browsers = tuple(page.browser for page in pages)
    return OpenChannel(new_id(), new_id(), Kind.WEB_PUSH, "Navegador", {"public": public}, {"private_key": private}, browsers)


async def test_a_browser_decrypts_what_was_sent_and_the_service_knows_who_sent_it(guard: OutboundHttp, receiver: Receiver) -> None:
    receiver.says(Said(201))
    page = Page(f"{receiver.url}/push/1")
    channel, message = push_channel(page), a_message(body="x" * 9_000)
    answer = await WebPushSender(guard, SystemClock(), "https://video.cidade.example").send(channel, message)
    assert (answer.outcome, answer.detail) == (Outcome.DELIVERED, "entregue a 1 de 1 navegadores")
    (asked,) = receiver.asked
    assert (asked.headers["content-encoding"], asked.headers["ttl"], asked.headers["urgency"]) == ("aes128gcm", "86400", "high")
    assert len(asked.headers["topic"]) == 32
    assert len(asked.content) < 4_096
    assert page.read(asked.content)["title"] == message.subject
    token, key = (part.split("=", 1)[1] for part in asked.headers["authorization"].removeprefix("vapid ").split(","))
    assert key == channel.settings["public"]
    assert Vapid02.verify(asked.headers["authorization"])
    claims = orjson.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["aud"], claims["sub"]) == (receiver.url, "https://video.cidade.example")


async def test_a_browser_that_is_gone_is_named_and_the_others_are_told(guard: OutboundHttp, receiver: Receiver) -> None:
    sender = WebPushSender(guard, SystemClock(), "mailto:x@cidade.example")
    pages = [Page(f"{receiver.url}/push/{n}") for n in range(2)]
    receiver.says(Said(410))
    answer = await sender.send(push_channel(*pages), a_message())
    assert (answer.outcome, set(answer.gone)) == (Outcome.REFUSED, {page.browser.endpoint for page in pages})
    receiver.says(Said(429, headers={"retry-after": "9"}))
    assert (await sender.send(push_channel(*pages), a_message())).retry_after_s == 9
    receiver.says(Said(201))
    answer = await sender.send(push_channel(*pages), a_message(to=str(pages[1].browser.user_id)))
    assert [asked.path for asked in receiver.asked] == ["/push/1"]
    assert (await sender.send(push_channel(), a_message())).outcome is Outcome.REFUSED


async def test_a_service_that_hangs_keeps_nothing_from_the_others(
    guard: OutboundHttp, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, stuck, quick = WebPushSender(guard, SystemClock(), "mailto:x@cidade.example"), Page("stuck"), Page(f"{receiver.url}/push")
    told = sender._tell

    async def tell(browser: Browser, channel: OpenChannel, message: Message) -> Answer:
        if browser is stuck.browser:
            await asyncio.Event().wait()
        return await told(browser, channel, message)

    monkeypatch.setattr(sender, "_tell", tell)
    monkeypatch.setattr(web_push, "_EACH_S", 1.0)
    answer = await sender.send(push_channel(stuck, quick), a_message())
    assert (answer.outcome, answer.detail) == (Outcome.DELIVERED, "entregue a 1 de 2 navegadores")


async def test_a_browser_that_may_see_a_part_of_a_digest_reads_no_title(guard: OutboundHttp, receiver: Receiver) -> None:
    page = Page(f"{receiver.url}/push")
    channel = replace(push_channel(page), partly={page.browser.endpoint: 12})
    await WebPushSender(guard, SystemClock(), "mailto:x@cidade.example").send(channel, a_message(digest=(an_alert(),) * 13))
    read = page.read(receiver.asked[0].content)
    assert (read["title"], read["body"]) == ("12 avisos: abra o console", "")


@pytest.mark.parametrize(
    ("answers", "outcome", "detail"),
    [
        ((Said(201, b"{}"), Said(400, b"{}")), Outcome.DELIVERED, "entregue; não para 1 de 2 números"),
        ((Said(400, b"{}"), Said(503)), Outcome.LATER, "o serviço de SMS respondeu 503"),
    ],
)
async def test_an_sms_is_delivered_where_one_telephone_took_it(answers: tuple[Said, ...], outcome: Outcome, detail: str) -> None:
    async with receiving() as receiver:
        receiver.says(*answers)
        settings = {"service": "twilio", "account": "AC" + "a" * 32, "sender": "+15005550006", "to": "+5541999990000, +5541988880000"}
        answer = await SmsSender(f"{receiver.url}/Messages.json").send(a_channel(Kind.SMS, settings, token="b" * 32), a_message())
        assert (answer.outcome, answer.detail, len(receiver.asked)) == (outcome, detail, 2)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (Said(201, b'{"sid": "SM1"}'), Outcome.DELIVERED),
        (Said(401, b'{"code": 20003, "message": "Authenticate"}'), Outcome.REFUSED),
        (Said(429, b'{"code": 20429, "message": "Too many requests"}'), Outcome.LATER),
        (Said(503, b""), Outcome.LATER),
    ],
)
async def test_an_sms_is_sent_as_twilio_takes_it(said: Said, outcome: Outcome) -> None:
    async with receiving() as receiver:
        receiver.says(said)
        settings = {"service": "twilio", "account": "AC" + "a" * 32, "sender": "+15005550006", "to": "+5541999990000"}
        channel = a_channel(Kind.SMS, settings, token="b" * 32)
        answer = await SmsSender(f"{receiver.url}/Messages.json").send(channel, a_message(body="texto " * 200))
        assert answer.outcome is outcome
        (asked,) = receiver.asked
        form = parse_qs(asked.content.decode())
        assert (form["To"], form["From"]) == (["+5541999990000"], ["+15005550006"])
        assert form["Body"][0].startswith("CRÍTICO: Placa")
        assert len(form["Body"][0]) <= 480
        assert asked.headers["authorization"].startswith("Basic ")


async def test_an_sms_without_what_the_service_needs_is_refused() -> None:
    channel = a_channel(Kind.SMS, {"service": "twilio", "to": "+5541999990000"}, token="b" * 32)
    assert (await SmsSender().send(channel, a_message())).outcome is Outcome.REFUSED
