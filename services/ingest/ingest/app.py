"""Composition root: `create_api` (REST, live socket, consumers) and `create_grabber` (frames from cameras)."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from chassis.auth import AuthRuntime
from chassis.bus import Bus, FramePublisher
from chassis.db import Database
from chassis.live import LiveBus
from chassis.loops import every
from chassis.migrations import run_migrations
from chassis.outbox import OutboxRelay
from chassis.redis import connect_redis
from chassis.service import Service, Worker, create_app, create_worker, run
from chassis.settings import load
from chassis.storage import ObjectStore
from city.cameras import CameraEvents
from city.refusals import Refusals
from city.tenants import TenantDirectory
from city.trusted_time import TrustedTime
from gtvision.errors import Unavailable
from gtvision.events import AuditRecorded, DetectionMade, DetectionsStored
from gtvision.time import SystemClock
from ingest.detections.api import router as detections_router
from ingest.detections.consumers import detection_batches
from ingest.detections.repository import PostgresDetections
from ingest.detections.usecases import Detections
from ingest.gateways.broker_sink import BrokerFrameSink
from ingest.gateways.jpeg import TurboJpegEncoder
from ingest.gateways.opencv_motion import OpenCvMotionGate, Sensitivity
from ingest.gateways.opencv_thumbnail import cut_thumbnail
from ingest.gateways.pyav_reader import PyAvStreamReader, ReaderLimits
from ingest.gateways.redis_grabbers import RedisGrabbers
from ingest.grabbing.consumers import StreamEvents
from ingest.grabbing.domain import CameraBook
from ingest.grabbing.repository import PostgresCameras, camera_copy
from ingest.grabbing.usecases import Cameras, Grabber, GrabberPool, GrabTools
from ingest.live.api import router as live_router
from ingest.live.usecases import FeedLimits, LiveFeed
from ingest.retention.consumers import HoldEvents
from ingest.retention.repository import PostgresHolds
from ingest.retention.usecases import Retention
from ingest.settings import ApiSettings, GrabberSettings, GrabSettings, MigrateSettings
from ingest.trials.api import router as trials_router
from ingest.trials.repository import PostgresHistory
from ingest.trials.usecases import Trials

_UPKEEP, _RETRY = timedelta(minutes=10), timedelta(seconds=2)
_HOURLY, _SLOWLY = timedelta(hours=1), timedelta(seconds=30)
_OFTEN, _SECOND = timedelta(seconds=2), timedelta(seconds=1)
_TRIAL = timedelta(seconds=20)
_DEAD_AFTER_S = 7
"""A grabber silent for so long is dead: with the next report of another its cameras have moved, in 9 s at worst."""
_HUNG_BEYOND_S = 20.0
"""A camera's thread is taken for hung when it is silent for so much longer than opening a stream, in its two steps, may take."""


def create_api(settings: ApiSettings) -> Service:
    """REST, the live socket, consumers and upkeep."""
    clock = SystemClock()
    db = Database(settings.db, clock)
    bus = Bus(settings.rabbit, settings.service_name, clock)
    cache, state = connect_redis(settings.redis.cache_url), connect_redis(settings.redis.state_url)
    auth = AuthRuntime(state, clock)
    tenants = TenantDirectory(state)
    refusals = Refusals(db.uow, auth.authenticator, settings.service_name)
    live = LiveBus(cache)
    cameras = Cameras(db.uow, PostgresCameras, CameraBook(), clock)
    feed = LiveFeed(cameras.book, auth.revocations, clock, _feed_limits(settings))
    objects = ObjectStore(settings.objects)
    store = settings.store
    retention = Retention(
        db.uow,
        PostgresHolds,
        PostgresDetections,
        objects,
        settings=tenants.known_settings,
        trusted_now=TrustedTime(db.uow, clock).now,
        most_days=store.retention_days,
    )
    detections = Detections(
        db.uow, PostgresDetections, cameras.book, live, objects, clock, store.retention, cut_thumbnail, retention.oldest_kept_day
    )
    trials = Trials(db.uow, PostgresHistory, cameras.book, tenants.settings, clock, _TRIAL)
    batches = detection_batches(detections, settings.rabbit, batch_size=store.batch_size, window_ms=store.batch_window_ms)
    CameraEvents(db.uow, camera_copy).subscribe(bus)
    StreamEvents(cameras).subscribe(bus)
    HoldEvents(retention).subscribe(bus)
    bus.publishes(DetectionsStored, AuditRecorded)
    bus.receives(DetectionMade)

    @asynccontextmanager
    async def cameras_read() -> AsyncIterator[None]:
        """The copy is there before a request asks what it may see; without PostgreSQL the loop goes on trying."""
        with suppress(Unavailable):
            await cameras.refresh()
        yield

    parts = (lambda: db, cameras_read, lambda: cache, lambda: state, lambda: auth, lambda: tenants, lambda: refusals, lambda: bus)
    return create_app(
        settings,
        title="GT-Vision ingest",
        lifespan_parts=parts,
        routers=(trials_router, detections_router, live_router),
        readiness={"postgresql": db.check, "rabbitmq": bus.check, "keys": auth.check},
        asyncapi=bus.asyncapi,
        loops={
            "partitions": every(_UPKEEP, detections.keep_partitions, retry=_RETRY, lasting=True),
            "retention": every(_UPKEEP, retention.delete_rows, retry=_SLOWLY, lasting=True),
            "pictures": every(_HOURLY, retention.delete_pictures, retry=_SLOWLY, lasting=True),
            "inbox": db.forget_handled,
            "outbox": OutboxRelay(db, bus.publisher, clock).run,
            "detections": batches.run,
            "cameras": every(_OFTEN, cameras.refresh),
            "live": every(_SECOND, partial(feed.follow, live), lasting=True),
            "live sessions": every(_SECOND, feed.end_sessions),
            "refusals": refusals.run,
        },
        provides=(auth.authenticator, tenants, refusals, detections, trials, feed),
    )


def _feed_limits(settings: ApiSettings) -> FeedLimits:
    return FeedLimits(
        readers=settings.live.connections,
        topics_per_reader=settings.live.topics,
        waiting_messages=settings.live.waiting_messages,
        ping_s=settings.live.ping_s,
        session_s=settings.live.session_s,
    )


def create_grabber(settings: GrabberSettings) -> Worker:
    """Reads its share of the cameras, a thread each, and sends on what moves."""
    clock, grab = SystemClock(), settings.grab
    db = Database(settings.db, clock)
    state = connect_redis(settings.redis.state_url)
    publisher = FramePublisher(settings.rabbit, "frames publisher")
    sink = BrokerFrameSink(publisher, waiting=grab.frames_waiting)
    cameras = Cameras(db.uow, PostgresCameras, CameraBook(), clock)
    limits = _reader_limits(grab)
    tools = GrabTools(
        reader=PyAvStreamReader(clock, grab.user, grab.password, limits),
        gate_for=lambda camera: OpenCvMotionGate(Sensitivity(min_area=grab.min_area), camera.ai.masks),
        encoder=TurboJpegEncoder(grab.jpeg_quality),
        sink=sink,
        clock=clock,
        keep_alive_s=grab.keep_alive_s,
    )
    pool = GrabberPool(tools, hung_after_s=2 * max(limits.read_timeout_s, limits.longest_read_timeout_s) + _HUNG_BEYOND_S)
    grabber = Grabber(RedisGrabbers(state, dead_after_s=_DEAD_AFTER_S), cameras.book, pool)
    return create_worker(
        settings,
        title="GT-Vision grabber",
        lifespan_parts=(lambda: db, lambda: state, lambda: publisher, lambda: grabber),
        loops={"cameras": every(_OFTEN, cameras.refresh), "share": every(_OFTEN, grabber.share_cameras), "frames": sink.run},
        readiness={"postgresql": db.check, "rabbitmq": publisher.check},
    )


def _reader_limits(grab: GrabSettings) -> ReaderLimits:
    return ReaderLimits(open_timeout_s=grab.read_timeout_s, read_timeout_s=grab.read_timeout_s, bytes_per_s=grab.max_bitrate_kbps * 125)


def main() -> None:
    """Start the role that the command line names."""
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    if role == "api":
        run(create_api(load(ApiSettings)))
    elif role == "grabber":
        run(create_grabber(load(GrabberSettings)))
    elif role == "migrate":
        run_migrations("ingest", Path(__file__).resolve().parent, load(MigrateSettings).db.migration_url)
    else:
        sys.exit("usage: python -m ingest api|grabber|migrate")
