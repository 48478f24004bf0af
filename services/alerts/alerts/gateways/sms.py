"""SMS through Apprise, by a short list of services. Each has one address, so nothing that a person types leads elsewhere."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from typing import Any

from alerts.channels.domain import Answer, Message, OpenChannel, Outcome

_MAX_TEXT = 480
_SECONDS = 4.0
_STATUS = re.compile(r"error=(\d{3,5})")
_LATER = {408, 425, 429, 20429, 20500, 20503}
"""Of HTTP, and of Twilio's own numbers."""

_said: ContextVar[list[str] | None] = ContextVar("said", default=None)


class _Listener(logging.Handler):
    """Keeps what Apprise says of the message that is being sent: it returns only whether it was."""

    def emit(self, record: logging.LogRecord) -> None:
        lines = _said.get()
        if lines is not None:
            lines.append(record.getMessage())


class SmsSender:
    """Sends through Apprise, a telephone a thread: delivered where one was reached. `url` is another address in tests only."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url

    async def send(self, channel: OpenChannel, message: Message) -> Answer:
        telephones = [each.strip() for each in (message.to or str(channel.settings["to"])).split(",")]
        text = " ".join(part for part in (message.subject, message.body.replace("\n", " ")) if part)
        answers = await asyncio.gather(*(self._tell(channel, telephone, text[:_MAX_TEXT]) for telephone in telephones))
        missed = sum(not answer.is_delivered for answer in answers)
        if missed < len(answers):
            return Answer(Outcome.DELIVERED, f"entregue; não para {missed} de {len(answers)} números" if missed else answers[0].detail)
        return next((answer for answer in answers if answer.outcome is Outcome.LATER), answers[0])

    async def _tell(self, channel: OpenChannel, telephone: str, text: str) -> Answer:
        said: list[str] = []
        token = _said.set(said)
        try:
            async with asyncio.timeout(10):
                sent = await asyncio.to_thread(self._send, channel, telephone, text)
        except TimeoutError:
            return Answer(Outcome.LATER, "sem resposta a tempo")
        except TypeError:
            return Answer(Outcome.REFUSED, "o serviço não aceita estes dados: confira conta, senha e número que envia")
        finally:
            _said.reset(token)
        return Answer(Outcome.DELIVERED, "entregue ao serviço de SMS") if sent else _failed(said)

    def _send(self, channel: OpenChannel, telephone: str, text: str) -> bool:
        """Raises: TypeError, where the service refuses its own fields."""
        name = str(channel.settings["service"])
        service = _class_of(name)(targets=[telephone], **_arguments(name, channel.settings, channel.secrets["token"]))
        service.socket_connect_timeout = service.socket_read_timeout = _SECONDS
        service.request_rate_per_sec = 0
        if self._url is not None:
            service.notify_url = service.notify_sms_url = self._url
        return bool(service.send(body=text))


def _failed(said: list[str]) -> Answer:
    """Of what Apprise said only the status is kept: the rest may name the account."""
    found = [int(status) for line in said for status in _STATUS.findall(line)]
    if not found:
        return Answer(Outcome.LATER, "sem resposta do serviço de SMS")
    later = found[0] in _LATER or 500 <= found[0] < 600
    return Answer(Outcome.LATER if later else Outcome.REFUSED, f"o serviço de SMS respondeu {found[0]}", found[0])


_CLASSES = {
    "twilio": "NotifyTwilio",
    "vonage": "NotifyVonage",
    "clicksend": "NotifyClickSend",
    "messagebird": "NotifyMessageBird",
    "sns": "NotifySNS",
}


def _arguments(service: str, of: Mapping[str, Any], token: str) -> dict[str, Any]:
    """Returns what the class of a service takes."""
    account, sender = of.get("account"), of.get("sender")
    return {
        "twilio": {"account_sid": account, "auth_token": token, "source": sender},
        "vonage": {"apikey": account, "secret": token, "source": sender},
        "clicksend": {"user": account, "password": token},
        "messagebird": {"apikey": token, "source": sender},
        "sns": {"access_key_id": account, "secret_access_key": token, "region_name": of.get("region", "sa-east-1")},
    }[service]


@cache
def _class_of(service: str) -> Any:
    """Returns the class of a service. Apprise is read at the first SMS: it costs memory that most cities do not need."""
    logger = logging.getLogger("apprise")
    if not any(isinstance(each, _Listener) for each in logger.handlers):
        logger.addHandler(_Listener())
        logger.propagate = False  # it writes what it sends
        logger.setLevel(logging.WARNING)
    return getattr(import_module(f"apprise.plugins.{service}"), _CLASSES[service])
