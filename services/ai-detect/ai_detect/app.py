"""Composition root: `create_api` (pictures over HTTP) and `create_worker` (the cameras' frames)."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ai_detect.api import router
from ai_detect.gateways.cpu_detector import CpuDetector
from ai_detect.settings import ApiSettings, DetectorSettings, WorkerSettings
from ai_detect.usecases import Batcher, Frames, Pictures
from chassis.auth import AuthRuntime
from chassis.bus import EventPublisher, FrameConsumer, Publisher, add_lane, empty_document
from chassis.redis import connect_redis
from chassis.service import Service, Worker, create_app, create_worker, run
from chassis.settings import load
from chassis.storage import ObjectStore
from gtvision.events import DetectionMade
from gtvision.time import SystemClock


def create_api(settings: ApiSettings) -> Service:
    """Pictures over HTTP. The reading process starts with the first picture: most installations never send one."""
    clock = SystemClock()
    detector, batcher = _provider(settings.detector)
    state = connect_redis(settings.redis.state_url)
    auth = AuthRuntime(state, clock)
    pictures = Pictures(batcher, detector, settings.detector.max_picture_bytes, settings.detector.max_picture_pixels)
    return create_app(
        settings,
        title="GT-Vision ai-detect",
        lifespan_parts=(lambda: state, lambda: auth, lambda: _open(detector, at_once=False)),
        routers=(router,),
        readiness={"keys": auth.check},
        asyncapi=lambda: add_lane(empty_document("ai-detect"), DetectionMade, "send"),
        loops={"batcher": batcher.run},
        provides=(auth.authenticator, pictures),
    )


def create_ai_worker(settings: WorkerSettings) -> Worker:
    """Frames in, detections out: announced with a confirm before the frame is acknowledged."""
    clock = SystemClock()
    detector, batcher = _provider(settings.detector)
    publisher = Publisher(settings.rabbit, "ai-detect publisher")
    frames = Frames(
        batcher, ObjectStore(settings.objects), EventPublisher(publisher, clock), clock, settings.detector.backend, detector.model
    )
    consumer = FrameConsumer(settings.rabbit, settings.prefetch, frames.analyse)
    return create_worker(
        settings,
        title="GT-Vision ai-detect worker",
        lifespan_parts=(lambda: _open(detector, at_once=True), lambda: publisher),
        loops={"frames": consumer.run, "batcher": batcher.run},
        readiness={"rabbitmq": publisher.check},
    )


def _provider(settings: DetectorSettings) -> tuple[CpuDetector, Batcher]:
    if settings.backend != "cpu":
        sys.exit(f"AI_BACKEND={settings.backend} is not part of this version; set AI_BACKEND=cpu.")
    detector = CpuDetector(model_path=settings.model_path, threads=settings.threads, picture_timeout_s=settings.picture_timeout_s)
    batcher = Batcher(
        detector,
        size=settings.batch_size,
        window_s=settings.batch_timeout_ms / 1000,
        timeout_s=settings.picture_timeout_s * settings.batch_size + 130,
    )
    return detector, batcher


@asynccontextmanager
async def _open(detector: CpuDetector, *, at_once: bool) -> AsyncIterator[None]:
    """Closes the detector at the end. Without `at_once` its models load with the first picture."""
    if at_once:
        await detector.initialize()
    try:
        yield
    finally:
        await detector.close()


def main() -> None:
    """Start the role that the command line names."""
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    if role == "api":
        run(create_api(load(ApiSettings)))
    elif role == "worker":
        run(create_ai_worker(load(WorkerSettings)))
    else:
        sys.exit("usage: python -m ai_detect api|worker")
