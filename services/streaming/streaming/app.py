"""Composition root: `create_api` (API, auth hook, reconciler) and `create_agent` (recorder agent)."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from chassis.auth import AuthRuntime
from chassis.bus import Bus
from chassis.db import Database
from chassis.migrations import run_migrations
from chassis.outbox import OutboxRelay
from chassis.redis import connect_redis
from chassis.service import Service, Worker, create_app, create_worker, run
from chassis.settings import load
from chassis.vault import Vault
from city.cameras import CameraEvents
from city.refusals import Refusals
from city.tenants import TenantDirectory
from gtvision.camera import path_name
from gtvision.events import AuditRecorded, RecordingSegmentClosed, StreamWentOffline, StreamWentOnline
from gtvision.time import SystemClock
from streaming.api import hooks, router
from streaming.gateways.haproxy import HaproxyMap
from streaming.gateways.mediamtx import MediaMtx
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.gateways.system_names import SystemNames
from streaming.gateways.tls_certificates import TlsCertificates
from streaming.jobs import EdgeKeeper, NameKeeper, Reconciler, RecorderAgent
from streaming.repository import PostgresFleet, PostgresRepositories, camera_copy
from streaming.settings import AgentSettings, ApiSettings, MigrateSettings
from streaming.usecases import Doorman, Store


def create_api(settings: ApiSettings) -> Service:
    """The API with the media server's auth hook on the private port, and the reconciler that drives the media server."""
    clock = SystemClock()
    db = Database(settings.db, clock)
    bus = Bus(settings.rabbit, settings.service_name, clock)
    state = connect_redis(settings.redis.state_url)
    auth = AuthRuntime(state, clock)
    tenants = TenantDirectory(state)
    media = settings.media
    server = MediaMtx(media.api_url, media.api_user, media.api_password.get_secret_value())
    store = Store(uow=db.uow, repositories=PostgresRepositories)
    refusals = Refusals(db.uow, auth.authenticator, clock, settings.service_name)
    doorman = Doorman(
        auth.authenticator,
        refusals,
        reader=(media.reader_user, media.reader_password.get_secret_value()),
        operator=(media.api_user, media.api_password.get_secret_value()),
    )

    def read_url(camera_id: UUID) -> str:
        return f"{media.rtsp_url.rstrip('/')}/{path_name(camera_id)}"

    keeper = EdgeKeeper([HaproxyMap(address) for address in settings.edge.sockets], settings.edge.node, settings.edge.interval_s)
    names = NameKeeper(SystemNames(), TlsCertificates(), settings.addresses.policy(), clock, media.names_every_s)
    reconciler = Reconciler(
        store=store,
        fleet=PostgresFleet(db),
        media=server,
        vault=Vault(settings.vault.keys),
        sources=names,
        doorman=doorman,
        clock=clock,
        read_url=read_url,
        interval_s=media.check_interval_s,
        stall_after=media.stall_after,
        place=keeper.place,
        wake=names.changed,
    )
    relay = OutboxRelay(db, bus.publisher, clock)
    CameraEvents(db.uow, camera_copy, changed=reconciler.wake.set).subscribe(bus)
    bus.publishes(StreamWentOnline, StreamWentOffline, RecordingSegmentClosed, AuditRecorded)

    @asynccontextmanager
    async def media_client() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await server.close()

    return create_app(
        settings,
        title="GT-Vision streaming",
        lifespan_parts=(lambda: db, media_client, lambda: state, lambda: auth, lambda: tenants, lambda: bus),
        routers=(router,),
        private_routers=(hooks,),
        readiness={"postgresql": db.check, "rabbitmq": bus.check, "keys": auth.check},
        asyncapi=bus.asyncapi,
        loops={
            "outbox": relay.run,
            "inbox": db.forget_handled,
            "reconciler": reconciler.run,
            "names": names.run,
            "edges": keeper.run,
            "refusals": refusals.run,
        },
        state={"authenticator": auth.authenticator, "tenants": tenants, "store": store, "doorman": doorman},
    )


def create_agent(settings: AgentSettings) -> Worker:
    """The recorder agent: beside each media server, on the recordings volume."""
    clock = SystemClock()
    db = Database(settings.db, clock)
    bus = Bus(settings.rabbit, settings.service_name, clock)
    recording = settings.recording
    agent = RecorderAgent(
        store=Store(uow=db.uow, repositories=PostgresRepositories),
        fleet=PostgresFleet(db),
        files=RecordingsFolder(recording.path),
        clock=clock,
        interval_s=recording.scan_interval_s,
        idle_after=timedelta(seconds=recording.idle_after_s),
        max_bytes=int(recording.max_gb * 1_000_000_000),
        free_floor=recording.free_floor,
    )
    return create_worker(
        settings,
        title="GT-Vision recorder agent",
        lifespan_parts=(lambda: db, lambda: bus),
        loops={"outbox": OutboxRelay(db, bus.publisher, clock).run, "recorder": agent.run},
        readiness={"postgresql": db.check, "rabbitmq": bus.check},
    )


def main() -> None:
    """Start the role that the command line names."""
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    if role == "api":
        run(create_api(load(ApiSettings)))
    elif role == "agent":
        run(create_agent(load(AgentSettings)))
    elif role == "migrate":
        run_migrations("streaming", Path(__file__).resolve().parent, load(MigrateSettings).db.migration_url)
    else:
        sys.exit("usage: python -m streaming api|agent|migrate")
