"""Composition root: `create_api` is the whole service."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from uuid import UUID

from alerts.alerts.api import router as alerts_router
from alerts.alerts.domain import Alert
from alerts.alerts.jobs import waking
from alerts.alerts.repository import PostgresAlerts, camera_copy
from alerts.alerts.usecases import AlertLists, Alerts
from alerts.browsers.api import router as browsers_router
from alerts.browsers.consumers import BrowserEvents
from alerts.browsers.repository import PostgresBrowsers
from alerts.browsers.usecases import Browsers
from alerts.channels.api import router as channels_router
from alerts.channels.consumers import ChannelEvents
from alerts.channels.repository import PostgresChannels
from alerts.channels.usecases import Channels
from alerts.conditions.api import hooks
from alerts.conditions.consumers import ConditionEvents
from alerts.conditions.jobs import telling
from alerts.conditions.repository import PostgresConditions
from alerts.conditions.usecases import CameraConditions, Installation, RecordingConditions
from alerts.deliveries.api import router as deliveries_router
from alerts.deliveries.jobs import sending
from alerts.deliveries.repository import PostgresDeliveries
from alerts.deliveries.usecases import Deliveries, Sending
from alerts.escalation.api import router as escalation_router
from alerts.escalation.consumers import EscalationEvents
from alerts.escalation.jobs import escalating
from alerts.escalation.repository import PostgresEscalation
from alerts.escalation.usecases import Escalation, Policies
from alerts.gateways.senders import Senders
from alerts.imports.api import router as imports_router
from alerts.imports.jobs import importing
from alerts.imports.repository import PostgresImportQueue, PostgresImports
from alerts.imports.usecases import Imports
from alerts.links.api import router as links_router
from alerts.links.repository import PostgresLinks
from alerts.links.usecases import Links
from alerts.maintenance.api import router as maintenance_router
from alerts.maintenance.consumers import MaintenanceEvents
from alerts.maintenance.repository import PostgresMaintenance
from alerts.maintenance.usecases import Maintenance
from alerts.messages.api import router as messages_router
from alerts.messages.usecases import Messages
from alerts.rules.api import router as rules_router
from alerts.rules.consumers import RuleEvents
from alerts.rules.repository import PostgresRules
from alerts.rules.usecases import Rules, RuleWatch
from alerts.settings import ApiSettings, MigrateSettings
from alerts.sightings.consumers import SightingEvents
from alerts.sightings.usecases import Sightings
from alerts.watchlists.api import router as watchlists_router
from alerts.watchlists.consumers import CityEvents
from alerts.watchlists.repository import PostgresWatchlists
from alerts.watchlists.usecases import Watchlists
from chassis.auth import AuthRuntime
from chassis.bus import Bus
from chassis.db import Database, UnitOfWork
from chassis.idempotency import KeyKeeping
from chassis.live import LiveBus
from chassis.migrations import run_migrations
from chassis.outbox import OutboxRelay
from chassis.redis import connect_redis
from chassis.service import Service, create_app, run
from chassis.settings import load
from chassis.storage import ObjectStore
from chassis.vault import Vault
from city.cameras import CameraEvents
from city.tenants import TenantDirectory
from gtvision.events import AlertAcknowledged, AlertEscalated, AlertRaised, AlertResolved, AuditRecorded, NotificationFailed
from gtvision.time import SystemClock

_ROUTERS = (deliveries_router, escalation_router, links_router)


def create_api(settings: ApiSettings) -> Service:
    """REST, consumers and the outbox in one small process."""
    clock = SystemClock()
    db = Database(settings.db, clock)
    bus = Bus(settings.rabbit, settings.service_name, clock)
    cache, state = connect_redis(settings.redis.cache_url), connect_redis(settings.redis.state_url)
    auth, tenants = AuthRuntime(state, clock), TenantDirectory(state)
    watchlists = Watchlists(db.uow, PostgresWatchlists, clock)
    imports = Imports(db.uow, PostgresImports, PostgresWatchlists, PostgresAlerts, PostgresImportQueue(db), tenants, clock)
    live = LiveBus(cache)
    vault, notify = Vault(settings.vault), settings.notify
    senders = Senders(notify.policy(), clock, public_url=settings.public_url, allow_http=notify.allow_http, ca_file=notify.ca_file)
    messages = Messages(tenants, ObjectStore(settings.objects), vault, clock, settings.public_url)
    browsers = Browsers(db.uow, PostgresBrowsers, clock, vault)
    channels = Channels(db.uow, PostgresChannels, PostgresAlerts, clock, vault, messages, browsers, senders.by_kind)
    deliveries = Deliveries(db.uow, PostgresDeliveries, PostgresAlerts, channels, clock)
    escalation = Escalation(db.uow, PostgresEscalation, PostgresAlerts, deliveries, channels, tenants, clock, _chosen)
    alerts = Alerts(db.uow, PostgresAlerts, clock, live, escalation)
    links = Links(db.uow, PostgresLinks, PostgresAlerts, alerts, channels.names, clock, vault, settings.public_url)
    sends = Sending(db.uow, PostgresDeliveries, alerts, PostgresAlerts, channels, links, tenants, clock, live)
    EscalationEvents(db.uow, PostgresAlerts, (_forget_told,)).subscribe(bus)
    BrowserEvents(browsers).subscribe(bus)
    ChannelEvents(channels).subscribe(bus)
    SightingEvents(Sightings(db.uow, PostgresWatchlists, PostgresAlerts, alerts, tenants, settings.rules.sighting)).subscribe(bus)
    maintenance = Maintenance(db.uow, PostgresMaintenance, clock, (_move_mute, alerts.move_mute))
    of_cameras = db.uow, PostgresConditions, PostgresAlerts, alerts, maintenance
    lost = CameraConditions(*of_cameras, live, clock, settings.conditions.gather)
    token = settings.conditions.alertmanager_token

    def tenant_of(label: str | None) -> UUID | None:
        """An alarm of no tenant that is known is the platform's: the first tenant's, whose administrator runs it (ids are in order)."""
        named = next((each for each in tenants.ids() if str(each) == label), None)
        return named or settings.conditions.system_tenant_id or min(tenants.ids(), default=None)

    of_all = db.uow, PostgresConditions, alerts, maintenance, clock
    installation = Installation(*of_all, tenant_of, token.get_secret_value() if token else None)
    ConditionEvents(lost, RecordingConditions(*of_cameras, clock), installation).subscribe(bus)
    rules = Rules(db.uow, PostgresRules, PostgresAlerts, clock)
    watch = RuleWatch(db.uow, PostgresRules, PostgresAlerts, alerts, maintenance, tenants.settings, clock)
    RuleEvents(rules, watch).subscribe(bus)
    CityEvents(watchlists).subscribe(bus)
    MaintenanceEvents(maintenance).subscribe(bus)
    CameraEvents(db.uow, camera_copy).subscribe(bus)
    bus.publishes(AlertRaised, AlertAcknowledged, AlertResolved, AlertEscalated, NotificationFailed, AuditRecorded)
    return create_app(
        settings,
        title="GT-Vision alerts",
        lifespan_parts=(lambda: db, lambda: cache, lambda: state, lambda: auth, lambda: tenants, lambda: senders, lambda: bus),
        private_routers=(hooks,),
        routers=(
            watchlists_router,
            imports_router,
            alerts_router,
            maintenance_router,
            rules_router,
            messages_router,
            browsers_router,
            channels_router,
            *_ROUTERS,
        ),
        readiness={"postgresql": db.check, "rabbitmq": bus.check, "keys": auth.check},
        asyncapi=bus.asyncapi,
        loops={
            "outbox": OutboxRelay(db, bus.publisher, clock).run,
            "inbox": db.forget_handled,
            "waking": waking(alerts),
            "escalating": escalating(escalation),
            "sending": sending(sends, deliveries.woken),
            "imports": importing(imports),
            "lost cameras": telling(lost),
            "idempotency": KeyKeeping(db.uow, clock).run,
        },
        provides=[
            auth.authenticator,
            tenants,
            watchlists,
            imports,
            alerts,
            AlertLists(db.uow, PostgresAlerts),
            maintenance,
            rules,
            installation,
            messages,
            browsers,
            channels,
            *(deliveries, links, Policies(db.uow, PostgresEscalation, tenants, clock)),
        ],
    )


async def _chosen(uow: UnitOfWork, alert: Alert) -> tuple[UUID, ...] | None:
    """Returns the channels that the alert's watchlist or rule names for its own alerts."""
    if alert.rule_id:
        return await PostgresRules(uow).channels_of(alert.rule_id)
    watchlist = await PostgresWatchlists(uow).get(alert.watchlist_id) if alert.watchlist_id else None
    return watchlist.channel_ids if watchlist else None


async def _forget_told(uow: UnitOfWork) -> None:
    """Who was told, and how people are reached, in a city that left."""
    for rows in (PostgresEscalation(uow), PostgresDeliveries(uow), PostgresLinks(uow)):
        await rows.forget_city()


async def _move_mute(uow: UnitOfWork, end: datetime, until: datetime | None) -> None:
    """Lost cameras that were muted by planned work that changed."""
    await PostgresConditions(uow).move_mute(end, until)


def main() -> None:
    """Start the role that the command line names."""
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    if role == "api":
        run(create_api(load(ApiSettings)))
    elif role == "migrate":
        run_migrations("alerts", Path(__file__).resolve().parent, load(MigrateSettings).db.migration_url)
    else:
        sys.exit("usage: python -m alerts api|migrate")
