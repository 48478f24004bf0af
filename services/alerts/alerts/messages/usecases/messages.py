"""What a message says of an alert, and the picture that goes with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from alerts.alerts.domain import Alert, AlertState, Notice
from alerts.messages.domain import MAX_SUBJECT, NOTICES, InvalidTemplate, Message, Style, Template, Told, default_template
from alerts.messages.usecases import templates
from chassis.logs import get_logger
from chassis.storage import ObjectStore
from chassis.vault import Unsealable, Vault
from city.tenants import TenantDirectory
from gtvision.errors import GTVisionError, NotFound
from gtvision.events import Severity
from gtvision.plate import format_plate
from gtvision.time import Clock, isoformat, zone_of

log = get_logger(__name__)

PICTURE_PATH: Final = "/api/v1/channels/picture"
_LINK = "channels.picture"
_LINK_FOR = timedelta(hours=24)
_MAX_PICTURE_BYTES = 5_000_000
_STATES = {AlertState.ACKNOWLEDGED: "CIENTE: ", AlertState.RESOLVED: "RESOLVIDO: "}
_SEVERITIES = {Severity.INFO: "informação", Severity.WARNING: "atenção", Severity.CRITICAL: "crítico"}


@dataclass(frozen=True, slots=True)
class Messages:
    """Makes messages. `public_url` is where browsers see the console; without it a message has no links."""

    tenants: TenantDirectory
    objects: ObjectStore
    vault: Vault
    clock: Clock
    public_url: str

    async def compose(self, style: Style, told: Told, camera_name: str) -> Message:
        """Returns the message. A template that fails on an alert is replaced by the default one: the alert must arrive."""
        alert, is_new = told.alert, told.notice in {Notice.RAISED, Notice.WORSENED, Notice.ESCALATED}
        picture = await self._picture(alert) if style.carries_pictures and is_new and not told.digest else None
        link = self._url(f"/alertas/{alert.alert_id}" if not told.digest else "/alertas")
        message = Message(
            delivery_id=told.delivery_id,
            notice=told.notice,
            alert=alert,
            city=self.tenants.name(alert.tenant_id) or "",
            camera_name=camera_name,
            subject="",
            body="",
            picture=picture,
            picture_url=self._picture_url(alert) if not told.digest else None,
            link=link,
            acknowledge_url=told.acknowledge_url,
            to=told.to,
            digest=told.digest,
        )
        subject, body = self._digest(message) if told.digest else self.texts(style, message)
        return replace(message, subject=subject, body=body)

    def texts(self, style: Style, message: Message, *, strict: bool = False) -> tuple[str, str]:
        """Returns subject and body. Raises: InvalidTemplate where `strict`."""
        variables, default = self.variables(message), default_template(message.notice, is_short=style.is_short)
        try:
            return templates.render(style.template or default, variables)
        except InvalidTemplate:
            if strict:
                raise
            log.warning("template_failed", tenant_id=message.alert.tenant_id)
            return templates.render(default, variables)

    def check_template(self, template: Template) -> None:
        """Raises: InvalidTemplate."""
        templates.check(template)

    def variables(self, message: Message) -> dict[str, object]:
        """Returns what a template may use."""
        alert = message.alert
        return {
            "notice": NOTICES[message.notice][0],
            "title": alert.title,
            "severity": _SEVERITIES[alert.severity],
            "city": message.city,
            "camera": message.camera_name,
            "plate": format_plate(alert.plate) if alert.plate else "",
            "time": self._local(alert, alert.captured_at or alert.raised_at),
            "last_time": self._local(alert, alert.last_seen_at or alert.raised_at),
            "sightings": alert.sightings,
            "reason": alert.reason,
            "is_possible": alert.is_possible,
            "alternatives": ", ".join(alert.alternatives),
            "details": [{"name": name, "value": value} for name, value in alert.details.items()],
            "link": message.link,
            "acknowledge_url": message.acknowledge_url or "",
            "picture_url": message.picture_url or "",
        }

    def _digest(self, message: Message) -> tuple[str, str]:
        """Returns the text of many alerts in one message, the gravest first, each by its name."""
        lines = [
            f"{_STATES.get(each.state, '')}{_SEVERITIES[each.severity]}, {self._local(each, each.raised_at)}: {each.title}"
            for each in message.digest
        ]
        count = f"{len(lines)} alertas" if len(lines) > 1 else "1 alerta"
        body = "\n".join((*lines, *([message.link] if message.link else [])))
        return f"{count}: {message.city or 'resumo'}"[:MAX_SUBJECT], body[:100_000]

    def _local(self, alert: Alert, at: datetime) -> str:
        return f"{at.astimezone(self.zone(alert.tenant_id)):%d/%m/%Y %H:%M:%S}"

    def zone(self, tenant_id: UUID) -> ZoneInfo:
        """Returns the city's time zone."""
        return zone_of(self.tenants.settings(tenant_id).timezone)

    def _url(self, path: str) -> str:
        return f"{self.public_url.rstrip('/')}{path}" if self.public_url else ""

    def _picture_url(self, alert: Alert) -> str | None:
        if not alert.evidence_key or not self.public_url:
            return None
        says = {"tenant": str(alert.tenant_id), "key": alert.evidence_key, "until": isoformat(self.clock.now() + _LINK_FOR)}
        return self._url(f"{PICTURE_PATH}?ticket={quote(self.vault.seal(orjson.dumps(says).decode(), _LINK))}")

    async def open_picture(self, ticket: str) -> tuple[bytes, str]:
        """Returns the picture of a link, and its media type. Raises: NotFound where the link is not ours or has ended, Unavailable."""
        try:
            says: dict[str, Any] = orjson.loads(self.vault.open(ticket, _LINK))
        except Unsealable:
            raise NotFound("There is no such picture.") from None
        if self.clock.now() >= datetime.fromisoformat(says["until"]):
            raise NotFound("The link has ended.")
        data = await self.objects.get(says["key"])
        kind = _media_type(data)
        if kind is None:
            raise NotFound("There is no such picture.")
        return data, kind

    async def _picture(self, alert: Alert) -> bytes | None:
        """Returns the picture, or None where there is none to show: a message does not wait for its picture."""
        if not alert.evidence_key:
            return None
        try:
            data = await self.objects.get(alert.evidence_key)
        except GTVisionError as error:
            log.warning("picture_left_out", alert_id=alert.alert_id, cause=type(error).__name__)
            return None
        return data if len(data) <= _MAX_PICTURE_BYTES and _media_type(data) else None


def _media_type(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/png" if data.startswith(b"\x89PNG\r\n\x1a\n") else None
