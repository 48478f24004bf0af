"""Signed webhooks, by the specification of Standard Webhooks. docs/webhooks.md has what is sent.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from alerts.alerts.domain import Alert
from alerts.channels.domain import Answer, Message, OpenChannel, Outcome
from alerts.gateways.answers import ask
from alerts.gateways.whatsapp import NOT_HTTPS
from chassis.outbound import OutboundHttp
from gtvision.time import Clock, isoformat

_INTERNAL = {"entry_id", "evidence_key", "subject", "told", "lasting"}


class WebhookSender:
    """Posts JSON that is signed with the channel's secret, and with the one before for a day after it was replaced."""

    def __init__(self, http: OutboundHttp, clock: Clock, *, allow_http: bool = False) -> None:
        self._http, self._clock, self._allow_http = http, clock, allow_http

    async def send(self, channel: OpenChannel, message: Message) -> Answer:
        url = str(channel.settings["url"])
        if not (url.startswith("https://") or self._allow_http):
            return Answer(Outcome.REFUSED, NOT_HTTPS)
        now = self._clock.now()
        content = orjson.dumps(_body(message, now))
        stamp = str(int(now.timestamp()))
        secrets = [channel.secrets[name] for name in ("secret", "previous_secret") if name in channel.secrets]
        headers = {
            "content-type": "application/json",
            "webhook-id": str(message.delivery_id),
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(sign(secret, str(message.delivery_id), stamp, content) for secret in secrets),
        }
        return await ask(self._http, "POST", url, patient=True, content=content, headers=headers)


def sign(secret: str, delivery_id: str, timestamp: str, content: bytes) -> str:
    """Returns the version and the signature of one secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{delivery_id}.{timestamp}.".encode() + content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _body(message: Message, now: datetime) -> dict[str, Any]:
    data: dict[str, Any] = {"city": message.city, "subject": message.subject, "text": message.body}
    if message.digest:
        return {"type": "alert.digest", "timestamp": isoformat(now), "data": data | {"alerts": [_alert(each) for each in message.digest]}}
    data |= {"camera_name": message.camera_name, "link": message.link, "picture_url": message.picture_url, "alert": _alert(message.alert)}
    return {"type": f"alert.{message.notice.value}", "timestamp": isoformat(now), "data": data}


def _alert(alert: Alert) -> dict[str, Any]:
    return {each.name: _plain(getattr(alert, each.name)) for each in fields(alert) if each.name not in _INTERNAL}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return isoformat(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, UUID) else value
