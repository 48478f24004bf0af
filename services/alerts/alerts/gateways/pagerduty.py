"""PagerDuty's Events API v2. https://developer.pagerduty.com/docs/send-alert-event"""

from __future__ import annotations

from typing import Any

from alerts.alerts.domain import Notice
from alerts.channels.domain import Answer, Message, OpenChannel
from alerts.gateways.answers import ask, json_of
from chassis.outbound import OutboundHttp, Reply
from gtvision.time import isoformat

_ACTIONS = {Notice.ACKNOWLEDGED: "acknowledge", Notice.RESOLVED: "resolve"}
_HOSTS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
_MAX_SUMMARY = 1_024


class PagerDutySender:
    """An alert is an incident whose dedup key is the alert's id; `base_url` is another one in tests only."""

    def __init__(self, http: OutboundHttp, base_url: str | None = None) -> None:
        self._http, self._base_url = http, base_url

    async def send(self, channel: OpenChannel, message: Message) -> Answer:
        body = _body(message) | {"routing_key": channel.secrets["routing_key"]}
        base_url = self._base_url or _HOSTS[str(channel.settings.get("region", "us"))]
        return await ask(self._http, "POST", f"{base_url}/v2/enqueue", says=_says, json=body)


def _says(reply: Reply) -> str:
    found = json_of(reply)
    errors = found.get("errors")
    return f"{found.get('message', '')} {'; '.join(map(str, errors)) if isinstance(errors, list) else ''}"


def _body(message: Message) -> dict[str, Any]:
    alert = message.alert
    action = "trigger" if message.digest else _ACTIONS.get(message.notice, "trigger")
    body: dict[str, Any] = {"event_action": action, "dedup_key": str(message.delivery_id if message.digest else alert.alert_id)}
    if action != "trigger":
        return body
    body["client"] = "GT-Vision"
    if message.link:
        body["client_url"] = message.link
    body["payload"] = {
        "summary": message.subject[:_MAX_SUMMARY],
        "source": message.camera_name or message.city or "GT-Vision",
        "severity": alert.severity.value,
        "timestamp": isoformat(alert.captured_at or alert.raised_at),
        "class": alert.kind,
        "group": message.city,
        "custom_details": {"texto": message.body[:20_000], **dict(alert.details)},
    }
    if message.picture_url and message.picture_url.startswith("https://"):
        body["images"] = [{"src": message.picture_url, "alt": alert.title[:200]}]
    if message.acknowledge_url:
        body["links"] = [{"href": message.acknowledge_url, "text": "Dar ciência"}]
    return body
