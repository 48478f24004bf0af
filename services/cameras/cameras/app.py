"""Composition root."""

from __future__ import annotations

import sys
from pathlib import Path

from cameras.announcing.repository import PostgresLeases
from cameras.announcing.usecases import RENEW_EVERY, Announcer
from cameras.cameras.api import router as cameras_router
from cameras.cameras.consumers import CityEvents, StreamEvents
from cameras.cameras.repository import PostgresCameraList, PostgresCameras
from cameras.cameras.usecases.cameras import Cameras
from cameras.cameras.usecases.fleets import RecentFleets
from cameras.cameras.usecases.urls import UrlGuard
from cameras.gateways.system_dns import resolve
from cameras.groups.api import router as groups_router
from cameras.groups.repository import PostgresGroups
from cameras.groups.usecases import Groups
from cameras.history.repository import PostgresHistory
from cameras.layouts.api import router as layouts_router
from cameras.layouts.repository import PostgresLayouts
from cameras.layouts.usecases import Layouts
from cameras.reads import Reads
from cameras.settings import MigrateSettings, Settings
from chassis.auth import AuthRuntime
from chassis.bus import Bus
from chassis.db import Database
from chassis.idempotency import KeyKeeping
from chassis.live import LiveBus
from chassis.loops import every
from chassis.migrations import run_migrations
from chassis.outbox import OutboxRelay
from chassis.redis import connect_redis
from chassis.service import Service, create_app, run
from chassis.settings import load
from chassis.vault import Vault
from city.tenants import TenantDirectory
from gtvision.events import AuditRecorded, CameraRegistered, CameraRemoved, CamerasAnnounced, CameraUpdated
from gtvision.ids import new_id
from gtvision.time import SystemClock


def create_api(settings: Settings) -> Service:
    """REST, consumers, the outbox and the announcer in one small process."""
    clock = SystemClock()
    db, reads = Database(settings.db, clock), Reads(settings.db)
    bus = Bus(settings.rabbit, settings.service_name, clock)
    bus.publishes(CameraRegistered, CameraUpdated, CameraRemoved, CamerasAnnounced, AuditRecorded)
    cache, state = connect_redis(settings.redis.cache_url), connect_redis(settings.redis.state_url)
    auth, tenants = AuthRuntime(state, clock), TenantDirectory(state)
    cameras = Cameras(
        uow=db.uow,
        repository=PostgresCameras,
        history=PostgresHistory,
        listed=PostgresCameraList(reads),
        tenants=tenants,
        guard=UrlGuard(resolve, settings.addresses.policy()),
        vault=Vault(settings.vault),
        live=LiveBus(cache),
        clock=clock,
        fleets=RecentFleets(clock),
    )
    groups = Groups(db.uow, PostgresGroups, cameras, clock)
    layouts = Layouts(db.uow, PostgresLayouts, clock)
    StreamEvents(cameras).subscribe(bus)
    CityEvents(cameras, groups.remove_groups_of_city, layouts.remove_layouts_of_city).subscribe(bus)
    announcer = Announcer(db.uow, PostgresCameras, PostgresLeases, clock, new_id())
    return create_app(
        settings,
        title="GT-Vision cameras",
        lifespan_parts=(
            lambda: db,
            lambda: reads,
            lambda: cache,
            lambda: state,
            lambda: auth,
            lambda: tenants,
            lambda: bus,
            announcer.leasing,
        ),
        routers=(cameras_router, groups_router, layouts_router),
        readiness={"postgresql": db.check, "rabbitmq": bus.check, "keys": auth.check},
        asyncapi=bus.asyncapi,
        loops={
            "outbox": OutboxRelay(db, bus.publisher, clock).run,
            "inbox": db.forget_handled,
            "idempotency": KeyKeeping(db.uow, clock).run,
            "announce": every(RENEW_EVERY, announcer.announce_when_due, lasting=True),
        },
        provides=[auth.authenticator, cameras, groups, layouts],
    )


def main() -> None:
    """Start the role that the command line names."""
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    if role == "api":
        run(create_api(load(Settings)))
    elif role == "migrate":
        run_migrations("cameras", Path(__file__).resolve().parent, load(MigrateSettings).db.migration_url)
    else:
        sys.exit("usage: python -m cameras api|migrate")
