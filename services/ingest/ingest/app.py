"""Composition root: the API process, the grabber process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from chassis.auth import AuthRuntime
from chassis.bus import BatchConsumer, Bus, FramePublisher
from chassis.db import Database
from chassis.live import LiveBus
from chassis.migrations import run_migrations
from chassis.outbox import OutboxRelay
from chassis.redis import connect_redis
from chassis.service import Service, Worker, create_app, create_worker, run
from chassis.settings import load
from chassis.storage import ObjectStore
from chassis.topology import event_queue
from city.cameras import CameraEvents
from city.refusals import Refusals
from city.tenants import TenantDirectory
from gtvision.events import AuditRecorded, DetectionMade, DetectionsStored
from gtvision.ids import new_id
from gtvision.time import SystemClock
from ingest.detections.api import router as detections_router
from ingest.detections.consumers import DetectionEvents
from ingest.detections.jobs import KeepPartitions
from ingest.detections.repository import SqlDetectionRows, SqlPartitions
from ingest.detections.usecases import Detections, Store, Upkeep
from ingest.gateways.broker_sink import BrokerFrameSink
from ingest.gateways.jpeg import TurboJpegEncoder
from ingest.gateways.opencv_motion import OpenCvMotionGate, Sensitivity
from ingest.gateways.pyav_reader import PyAvStreamReader, ReaderLimits
from ingest.gateways.redis_roll import RedisGrabberRoll
from ingest.grabbing.consumers import StreamEvents
from ingest.grabbing.domain import KnownCamera
from ingest.grabbing.jobs import DEAD_AFTER_S, KeepBook, ShareCameras
from ingest.grabbing.ports import MotionGate
from ingest.grabbing.repository import SqlCameraCatalogue, SqlCameraRows, camera_copy
from ingest.grabbing.usecases import CameraBook, GrabberPool, GrabTools, Streams
from ingest.live.api import router as live_router
from ingest.live.jobs import FeedLive
from ingest.live.usecases import FeedLimits, LiveFeed
from ingest.settings import ApiSettings, GrabberSettings, GrabSettings, MigrateSettings

_HUNG_BEYOND_S = 20.0
"""A camera's thread is taken for hung when it is silent for so much longer than a read may take."""


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
    book = CameraBook(SqlCameraCatalogue(db.uow))
    feed = LiveFeed(book, auth.revocations, clock, _feed_limits(settings))
    upkeep = Upkeep(SqlPartitions(db.uow), clock, settings.store.retention)
    store = Store(db.uow, SqlDetectionRows, SqlCameraRows, upkeep, clock, settings.store.retention)
    detections = Detections(store, live, ObjectStore(settings.objects))
    batches = _batches(settings, detections)
    CameraEvents(db.uow, camera_copy).subscribe(bus)
    StreamEvents(Streams(db.uow, SqlCameraRows)).subscribe(bus)
    bus.publishes(DetectionsStored, AuditRecorded)
    bus.receives(DetectionMade)
    feeding = FeedLive(feed, live)
    return create_app(
        settings,
        title="GT-Vision ingest",
        lifespan_parts=(lambda: db, lambda: cache, lambda: state, lambda: auth, lambda: tenants, lambda: refusals, lambda: bus),
        routers=(detections_router, live_router),
        readiness={"postgresql": db.check, "rabbitmq": bus.check, "keys": auth.check},
        asyncapi=bus.asyncapi,
        loops={
            "partitions": KeepPartitions(upkeep, db.prune_inbox).run,
            "outbox": OutboxRelay(db, bus.publisher, clock).run,
            "detections": batches.run,
            "cameras": KeepBook(book).run,
            "live": feeding.forward,
            "live upkeep": feeding.tend,
            "refusals": refusals.run,
        },
        provides=(auth.authenticator, tenants),
        state={"authenticator": auth.authenticator, "detections": detections, "live_feed": feed, "refusals": refusals},
    )


def _batches(settings: ApiSettings, detections: Detections) -> BatchConsumer:
    return BatchConsumer(
        settings.rabbit,
        queue=event_queue("ingest", DetectionMade),
        key=DetectionMade.key,
        handler=DetectionEvents(detections).on_detection_made,
        prefetch=2 * settings.store.batch_size,
        batch_size=settings.store.batch_size,
        window_ms=settings.store.batch_window_ms,
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
    clock = SystemClock()
    db = Database(settings.db, clock)
    state = connect_redis(settings.redis.state_url)
    publisher = FramePublisher(settings.rabbit)
    sink = BrokerFrameSink(publisher, waiting=settings.grab.frames_waiting)
    book = CameraBook(SqlCameraCatalogue(db.uow))
    limits = _limits(settings.grab)
    tools = GrabTools(
        reader=PyAvStreamReader(clock, settings.grab.user, settings.grab.password, limits),
        gate_for=_gates(settings.grab),
        encoder=TurboJpegEncoder(settings.grab.jpeg_quality),
        sink=sink,
        clock=clock,
        keep_alive_s=settings.grab.keep_alive_s,
    )
    pool = GrabberPool(tools, hung_after_s=max(limits.read_timeout_s, limits.longest_read_timeout_s) + _HUNG_BEYOND_S)
    sharing = ShareCameras(str(new_id()), RedisGrabberRoll(state, dead_after_s=DEAD_AFTER_S), book, pool)
    return create_worker(
        settings,
        title="GT-Vision grabber",
        lifespan_parts=(lambda: db, lambda: state, lambda: publisher),
        loops={"cameras": KeepBook(book).run, "share": sharing.run, "frames": sink.run},
        readiness={"postgresql": db.check, "rabbitmq": publisher.check},
    )


def _limits(settings: GrabSettings) -> ReaderLimits:
    return ReaderLimits(
        open_timeout_s=settings.read_timeout_s, read_timeout_s=settings.read_timeout_s, bytes_per_s=settings.max_bitrate_kbps * 125
    )


def _gates(settings: GrabSettings) -> Callable[[KnownCamera], MotionGate]:
    sensitivity = Sensitivity(min_area=settings.min_area)
    return lambda camera: OpenCvMotionGate(sensitivity, camera.ai.masks)


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
