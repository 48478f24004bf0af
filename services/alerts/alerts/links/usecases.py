"""What is done with links: made for a message, looked at, used once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from alerts.alerts.domain import Alert, AlertState
from alerts.links.domain import VALID_FOR, Link, LinkState
from chassis.db import UnitOfWork, UowFactory
from chassis.vault import Unsealable, Vault
from gtvision.time import Clock

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.alerts.usecases import Alerts
    from alerts.links.repository import PostgresLinks

_CONTEXT = "alert link"
_PATH = "/api/v1/alerts/links/"


@dataclass(frozen=True, slots=True)
class Links:
    """The links of messages. `public_url` is where people reach this installation; where it has none, messages have no links."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresLinks]
    alert_rows: Callable[[UnitOfWork], PostgresAlerts]
    alerts: Alerts
    channel_names: Callable[[UnitOfWork], Awaitable[dict[UUID, str]]]
    clock: Clock
    vault: Vault
    public_url: str

    def make(self, tenant_id: UUID, alert_id: UUID, delivery_id: UUID, channel_id: UUID, to: str) -> str | None:
        """Returns the address at which the alert of a message is acknowledged, from now on for a day."""
        if not self.public_url:
            return None
        link = Link(tenant_id, alert_id, delivery_id, channel_id, to, self.clock.now() + VALID_FOR)
        return f"{self.public_url.rstrip('/')}{_PATH}{self.vault.seal(link.text(), _CONTEXT)}"

    async def show(self, token: str) -> tuple[LinkState, Alert | None]:
        """Looks at a link and changes nothing: scanners of mail and previews of chats open every link."""
        link = self._open(token)
        if link is None:
            return LinkState.UNKNOWN, None
        async with self.uow(link.tenant_id) as uow:
            return await self._look(uow, link)

    async def use(self, token: str) -> tuple[LinkState, Alert | None]:
        """Acknowledges the alert, once."""
        link = self._open(token)
        if link is None:
            return LinkState.UNKNOWN, None
        async with self.uow(link.tenant_id) as uow:
            await self.alert_rows(uow).next_change()  # of two at once the second waits, and finds the link used
            state, alert = await self._look(uow, link)
            if state is not LinkState.VALID:
                return state, alert
            await self.repository(uow).use(link.delivery_id, self.clock.now())
            name = (await self.channel_names(uow)).get(link.channel_id, "")
            whose = f"pelo link da mensagem em “{name}”" + (f" para {link.to}" if link.to else "")
            return LinkState.DONE, await self.alerts.acknowledge_by_link(uow, link.alert_id, whose)

    async def _look(self, uow: UnitOfWork, link: Link) -> tuple[LinkState, Alert | None]:
        """Returns the alert too where the link still says which one it is."""
        if self.clock.now() >= link.ends_at:
            return LinkState.EXPIRED, None
        alert = (await self.alert_rows(uow).find([link.alert_id], None)).get(link.alert_id)
        if alert is None:
            return LinkState.UNKNOWN, None
        if await self.repository(uow).is_used(link.delivery_id):
            return LinkState.USED, alert
        return (LinkState.VALID if alert.state is AlertState.OPEN else LinkState.OVER), alert

    def _open(self, token: str) -> Link | None:
        try:
            return Link.of(self.vault.open(token, _CONTEXT))
        except Unsealable:
            return None
