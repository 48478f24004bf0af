"""Every medium, each behind the same guard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alerts.channels.domain import Kind
from alerts.channels.ports import Sender
from alerts.gateways.email import EmailSender
from alerts.gateways.pagerduty import PagerDutySender
from alerts.gateways.slack import SlackSender
from alerts.gateways.sms import SmsSender
from alerts.gateways.telegram import TelegramSender
from alerts.gateways.web_push import WebPushSender
from alerts.gateways.webhook import WebhookSender
from alerts.gateways.whatsapp import WhatsAppSender
from chassis.outbound import OutboundHttp, trust
from gtvision.addresses import AddressPolicy
from gtvision.time import Clock

_STEP_S, _TOTAL_S, _MAX_BYTES = 5.0, 10.0, 65_536


class Senders:
    """A lifespan part: `by_kind` has a sender for each kind of channel."""

    def __init__(
        self, policy: AddressPolicy, clock: Clock, *, public_url: str = "", allow_http: bool = False, ca_file: Path | None = None
    ) -> None:
        context = trust(ca_file)
        self._http = OutboundHttp(policy, context, agent="gtvision-alerts", timeout_s=_STEP_S, total_s=_TOTAL_S, max_bytes=_MAX_BYTES)
        contact = public_url if public_url.startswith("https://") else "mailto:gtvision@localhost"
        self.by_kind: Mapping[Kind, Sender] = {
            Kind.EMAIL: EmailSender(policy, context, clock),
            Kind.TELEGRAM: TelegramSender(self._http),
            Kind.SLACK: SlackSender(self._http),
            Kind.PAGERDUTY: PagerDutySender(self._http),
            Kind.SMS: SmsSender(),
            Kind.WHATSAPP: WhatsAppSender(self._http, allow_http=allow_http),
            Kind.WEBHOOK: WebhookSender(self._http, clock, allow_http=allow_http),
            Kind.WEB_PUSH: WebPushSender(self._http, clock, contact),
        }

    async def __aenter__(self) -> Senders:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
