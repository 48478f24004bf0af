"""Telegram's Bot API. https://core.telegram.org/bots/api#sendmessage"""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import orjson

from alerts.channels.domain import Answer, Message, OpenChannel, Outcome
from alerts.gateways.answers import ask, json_of
from chassis.outbound import OutboundHttp, Reply

_MAX_TEXT, _MAX_CAPTION = 4_096, 1_024


class TelegramSender:
    """Sends as a bot; `base_url` is another one in tests only."""

    def __init__(self, http: OutboundHttp, base_url: str = "https://api.telegram.org") -> None:
        self._http, self._base_url = http, base_url

    async def send(self, channel: OpenChannel, message: Message) -> Answer:
        """Without the button, where Telegram does not accept its address: it takes none of a private network."""
        answer = await self._send(channel, message)
        if answer.status == 400 and "button" in answer.detail.lower() and message.acknowledge_url:
            return await self._send(channel, replace(message, acknowledge_url=None))
        return answer

    async def _send(self, channel: OpenChannel, message: Message) -> Answer:
        fields: dict[str, Any] = {"chat_id": message.to or channel.settings["chat_id"], "parse_mode": "HTML"}
        if message.acknowledge_url and message.acknowledge_url.startswith("https://"):
            fields["reply_markup"] = {"inline_keyboard": [[{"text": "Dar ciência", "url": message.acknowledge_url}]]}
        files: dict[str, Any] = {}
        if message.picture is not None:
            method, files["photo"] = "sendPhoto", ("alerta.jpg", message.picture)
            fields["caption"] = _text(message, _MAX_CAPTION)
        else:
            method = "sendMessage"
            fields |= {"text": _text(message, _MAX_TEXT), "link_preview_options": {"is_disabled": True}}
        url = f"{self._base_url}/bot{channel.secrets['token']}/{method}"
        seen: list[Reply] = []

        def says(reply: Reply) -> str:
            seen.append(reply)
            return str(json_of(reply).get("description", ""))

        given: dict[str, Any] = (
            {"data": {name: _form(value) for name, value in fields.items()}, "files": files} if files else {"json": fields}
        )
        return _judged(await ask(self._http, "POST", url, says=says, **given), seen)


def _judged(answer: Answer, seen: list[Reply]) -> Answer:
    """Telegram says in the body how long to wait, and where a group has moved to."""
    parameters = json_of(seen[0]).get("parameters") if seen else None
    if not isinstance(parameters, dict):
        return answer
    if isinstance(wait := parameters.get("retry_after"), int):
        return replace(answer, retry_after_s=float(wait))
    if isinstance(moved := parameters.get("migrate_to_chat_id"), int):
        return replace(answer, outcome=Outcome.REFUSED, detail=f"o grupo virou um supergrupo: o chat agora é {moved}")
    return answer


def _form(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _text(message: Message, longest: int) -> str:
    """Counted as Telegram counts: in UTF-16 units, after the entities are parsed."""
    room = longest - _units(message.subject) - 2
    body = message.body
    if _units(body) > room:
        body = body.encode("utf-16-le")[: 2 * max(0, room - 2)].decode("utf-16-le", "ignore") + " …"
    return f"<b>{html.escape(message.subject, quote=False)}</b>\n\n{html.escape(body, quote=False)}"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
