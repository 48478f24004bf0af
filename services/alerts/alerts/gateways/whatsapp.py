"""WhatsApp by a gateway that a city runs or rents: JSON to its address, with a token. docs/channels.md has the format."""

from __future__ import annotations

from alerts.channels.domain import Answer, Message, OpenChannel, Outcome
from alerts.gateways.answers import ask
from chassis.outbound import OutboundHttp


class WhatsAppSender:
    """Asks the gateway once, with every telephone. Its address is http only where the operator allows that."""

    def __init__(self, http: OutboundHttp, *, allow_http: bool = False) -> None:
        self._http, self._allow_http = http, allow_http

    async def send(self, channel: OpenChannel, message: Message) -> Answer:
        url = str(channel.settings["url"])
        if not (url.startswith("https://") or self._allow_http):
            return Answer(Outcome.REFUSED, NOT_HTTPS)
        body = {
            "id": str(message.delivery_id),
            "to": [each.strip() for each in (message.to or str(channel.settings["to"])).split(",")],
            "text": f"*{message.subject}*\n\n{message.body}",
            "picture_url": message.picture_url,
            "acknowledge_url": message.acknowledge_url,
        }
        headers = {"authorization": f"Bearer {channel.secrets['token']}", "idempotency-key": str(message.delivery_id)}
        return await ask(self._http, "POST", url, patient=True, json=body, headers=headers)


NOT_HTTPS = "o endereço precisa começar com https:// (a instalação não permite http)"
