"""Slack's incoming webhooks. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""

from __future__ import annotations

from typing import Any

from alerts.channels.domain import Answer, Message, OpenChannel
from alerts.gateways.answers import ask
from chassis.outbound import OutboundHttp, Reply

_MAX_SECTION, _MAX_URL = 2_900, 3_000


class SlackSender:
    """Posts to the webhook of a workspace, whose address is the secret; `base_url` replaces Slack's in tests only."""

    def __init__(self, http: OutboundHttp, base_url: str = "https://hooks.slack.com") -> None:
        self._http, self._base_url = http, base_url

    async def send(self, channel: OpenChannel, message: Message) -> Answer:
        url = channel.secrets["webhook_url"].replace("https://hooks.slack.com", self._base_url, 1)
        return await ask(self._http, "POST", url, says=_says, patient=True, json=_body(message))


def _says(reply: Reply) -> str:
    return reply.content[:100].decode("utf-8", "replace")


def _body(message: Message) -> dict[str, Any]:
    title, text = _escape(message.subject), _escape(message.body)
    if message.picture_url:  # Slack's servers cannot read a picture of a private network, and would refuse the whole message
        text += f"\n<{message.picture_url}|Ver imagem>"
    blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": f"*{title}*"}}]
    blocks += [{"type": "section", "text": {"type": "mrkdwn", "text": part}} for part in _parts(text)]
    if message.acknowledge_url and len(message.acknowledge_url) <= _MAX_URL:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Dar ciência"}, "url": message.acknowledge_url}
        blocks.append({"type": "actions", "elements": [button]})
    return {"text": title, "blocks": blocks}


def _parts(text: str) -> list[str]:
    """Lines, as many as a section holds; at most 40 of the 50 blocks that a message may have."""
    parts = [""]
    for line in text.splitlines() or [""]:
        if len(parts[-1]) + len(line) > _MAX_SECTION:
            parts.append("")
        parts[-1] += line[:_MAX_SECTION] + "\n"
    return [part for part in parts if part.strip()][:40]


def _escape(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
