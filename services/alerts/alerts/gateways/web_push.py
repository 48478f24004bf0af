"""Web Push: RFC 8030 with the encryption of RFC 8291 and the identification of RFC 8292 (VAPID)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any
from urllib.parse import urlsplit

import orjson

from alerts.browsers.domain import Browser
from alerts.channels.domain import Answer, Message, OpenChannel, Outcome
from alerts.gateways.answers import ask
from chassis.outbound import OutboundHttp
from gtvision.events import Severity
from gtvision.time import Clock

_MAX_BODY = 500
"""Of characters: push services take 4,096 bytes in all."""
_KEPT_S = 86_400
_GONE = {404, 410}
_AT_ONCE = 10
_EACH_S, _ALL_S = 4.0, 10.0
"""A browser whose service hangs must not have the others told again."""


class WebPushSender:
    """Tells every browser of a channel, or those of one user. `contact` is where push services find who is responsible for us."""

    def __init__(self, http: OutboundHttp, clock: Clock, contact: str) -> None:
        self._http, self._clock, self._contact = http, clock, contact

    async def send(self, channel: OpenChannel, message: Message) -> Answer:
        """Delivered where one browser has it; a browser that is gone is named, and told of nothing any more."""
        browsers = [each for each in channel.browsers if message.to in {None, str(each.user_id)}]
        if not browsers:
            return Answer(Outcome.REFUSED, "nenhum navegador ativou as notificações")
        room, end = asyncio.Semaphore(_AT_ONCE), asyncio.get_running_loop().time() + _ALL_S

        async def tell(browser: Browser) -> Answer:
            try:
                async with asyncio.timeout_at(end), room, asyncio.timeout(_EACH_S):
                    return await self._tell(browser, channel, message)
            except TimeoutError:
                return Answer(Outcome.LATER, "sem resposta a tempo")

        answers = await asyncio.gather(*(tell(browser) for browser in browsers))
        gone = tuple(browser.endpoint for browser, answer in zip(browsers, answers, strict=True) if answer.status in _GONE)
        delivered = sum(answer.is_delivered for answer in answers)
        if delivered:
            return Answer(Outcome.DELIVERED, f"entregue a {delivered} de {len(browsers)} navegadores", gone=gone)
        later = [answer for answer in answers if answer.outcome is Outcome.LATER]
        chosen = (later or answers)[0]
        return Answer(chosen.outcome, chosen.detail, chosen.status, chosen.retry_after_s, gone=gone)

    async def _tell(self, browser: Browser, channel: OpenChannel, message: Message) -> Answer:
        headers = {
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(_KEPT_S),
            "urgency": "high" if message.alert.severity is Severity.CRITICAL else "normal",
            "topic": _topic(message),
            "authorization": self._authorization(browser.endpoint, channel.secrets["private_key"]),
        }
        try:
            content = _encrypted(browser, orjson.dumps(_body(message, channel.partly.get(browser.endpoint))))
        except ValueError:  # keys that are none
            return Answer(Outcome.REFUSED, "as chaves do navegador não são válidas", 410)
        return await ask(self._http, "POST", browser.endpoint, content=content, headers=headers)

    def _authorization(self, endpoint: str, private_key: str) -> str:
        from py_vapid import Vapid02  # type: ignore[import-untyped]  # here, because it costs memory that most processes do not need

        parts = urlsplit(endpoint)
        until = int(self._clock.now().timestamp()) + 12 * 3_600
        claims: dict[str, Any] = {"aud": f"{parts.scheme}://{parts.netloc}", "sub": self._contact, "exp": until}
        return str(Vapid02.from_pem(private_key.encode()).sign(claims)["Authorization"])


def _encrypted(browser: Browser, content: bytes) -> bytes:
    """Raises: ValueError."""
    from pywebpush import WebPusher, WebPushException  # type: ignore[import-untyped]

    subscription = {"endpoint": browser.endpoint, "keys": {"p256dh": browser.p256dh, "auth": browser.auth}}
    try:
        encoded = WebPusher(subscription).encode(content, "aes128gcm")
    except WebPushException as error:
        raise ValueError("the browser's keys are none") from error
    return bytes(encoded["body"])


def _topic(message: Message) -> str:
    """A later message about the same alert replaces the one before, where it has not arrived."""
    subject = str(message.delivery_id if message.digest else message.alert.alert_id)
    return base64.urlsafe_b64encode(hashlib.sha256(subject.encode()).digest()[:24]).decode()


def _body(message: Message, seen: int | None) -> dict[str, Any]:
    """Of a digest of which a browser may see some alerts only, their number is all that is said."""
    if seen is not None:
        title = f"{seen} avisos: abra o console" if seen > 1 else "1 aviso: abra o console"
        return {"id": str(message.delivery_id), "alert_id": str(message.delivery_id), "title": title, "body": "", "url": message.link}
    return {
        "id": str(message.delivery_id),
        "alert_id": str(message.alert.alert_id),
        "notice": message.notice.value,
        "severity": message.alert.severity.value,
        "title": message.subject,
        "body": message.body[:_MAX_BODY],
        "url": message.link,
        "image": message.picture_url,
    }
