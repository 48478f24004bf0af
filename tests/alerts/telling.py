"""What tells people of alerts, on a real database, with a carrier that collects and a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from tests.fixtures.tokens import TokenMint, encryption_keys

from alerts.alerts.domain import Alert, Notice, Occurrence
from alerts.alerts.repository import PostgresAlerts
from alerts.alerts.usecases import Alerts
from alerts.deliveries.domain import Delivery, DeliveryQuery
from alerts.deliveries.fakes import FakeCarrier
from alerts.deliveries.jobs import Courier
from alerts.deliveries.repository import PostgresDeliveries
from alerts.deliveries.usecases import Deliveries, Sending
from alerts.escalation.ports import none_chosen
from alerts.escalation.repository import PostgresEscalation
from alerts.escalation.usecases import Escalation, Policies
from alerts.links.repository import PostgresLinks
from alerts.links.usecases import Links
from chassis.db import Database
from chassis.fakes import FakeLive
from chassis.settings import DatabaseSettings
from chassis.vault import Vault
from city.tenants import TenantDirectory
from gtvision.events import Severity
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import FakeClock

NOON = datetime(2026, 5, 4, 15, tzinfo=UTC)  # a Monday, in Curitiba


@dataclass
class Telling:
    """One city, and all that tells it."""

    settings: DatabaseSettings
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))
    carrier: FakeCarrier = field(default_factory=FakeCarrier)
    live: FakeLive = field(default_factory=FakeLive)
    tenant: UUID = field(default_factory=new_id)
    chosen: tuple[UUID, ...] | None = None
    """What the alert's watchlist or rule names."""

    def __post_init__(self) -> None:
        self.db = Database(self.settings, self.clock)
        uow, tenants = self.db.uow, TenantDirectory(Redis())
        self.deliveries = Deliveries(uow, PostgresDeliveries, PostgresAlerts, self.carrier, self.clock)
        self.escalation = Escalation(
            uow, PostgresEscalation, PostgresAlerts, self.deliveries, self.carrier, tenants, self.clock, self._named
        )
        self.policies = Policies(uow, PostgresEscalation, tenants, self.clock)
        self.alerts = Alerts(uow, PostgresAlerts, self.clock, self.live, self.escalation)
        vault = Vault(encryption_keys())
        names = self.carrier.names
        self.links = Links(uow, PostgresLinks, PostgresAlerts, self.alerts, names, self.clock, vault, "https://video.example")
        self.sending = Sending(
            uow, PostgresDeliveries, self.alerts, PostgresAlerts, self.carrier, self.links, tenants, self.clock, self.live
        )
        self.caller = TokenMint().caller(Role.ADMIN, tenant_id=self.tenant)

    async def _named(self, uow: Any, alert: Alert) -> tuple[UUID, ...] | None:
        return self.chosen or await none_chosen(uow, alert)

    def channel(self, *answers: Any, **more: Any) -> UUID:
        """Returns the id of a new channel of the city."""
        return self.carrier.add(self.tenant, *answers, **more)

    async def raise_alert(self, severity: Severity = Severity.CRITICAL, subject: str | None = None, **more: Any) -> Alert:
        seen = Occurrence("camera_lost", subject or str(new_id()), severity, "Sem sinal", self.clock.now(), lasting=True, **more)
        async with self.db.uow(self.tenant) as uow:
            return (await self.alerts.raise_alert(uow, seen)).alert

    async def resolve(self, alert: Alert) -> None:
        async with self.db.uow(self.tenant) as uow:
            await self.alerts.resolve_alert(uow, alert.kind, alert.subject, self.clock.now())

    async def claim(self) -> list[tuple[Delivery, str]]:
        return await self.sending.claim(self.tenant, lambda _channel, taken: 1_000 - taken)

    async def deliver(self) -> None:
        """Sends what is due, one after the other."""
        for row, kind in await self.claim():
            await self.sending.send(row, kind)
        await self.sending.watch_channels(self.tenant)

    async def after(self, **wait: float) -> None:
        """Sends what is due after a time."""
        self.clock.advance(timedelta(**wait))
        await self.deliver()

    def sent(self, channel_id: UUID) -> list[Notice]:
        """Returns what a channel was told, in order."""
        return [told.notice for channel, told in self.carrier.sent if channel == channel_id]

    async def rows(self, **query: Any) -> list[Delivery]:
        """Returns the messages of the city, newest first."""
        return await self.deliveries.list_deliveries(self.caller, DeliveryQuery(500, **query))

    def courier(self) -> Courier:
        return Courier(self.sending, self.deliveries.woken)

    def stranger(self) -> Caller:
        return TokenMint().caller(Role.ADMIN, tenant_id=new_id())
