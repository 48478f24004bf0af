"""Tests of a frame's way through ingest: a camera is announced, its stream is grabbed, and frames with motion are on the lane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from pydantic import SecretStr
from tests.ingest.camera import X264, camera_process
from tests.ingest.conftest import Running

from chassis.bus import Frame, FrameConsumer
from chassis.health import Heartbeats
from chassis.service import Worker
from gtvision.camera import AiSettings
from gtvision.events import (
    CameraRegistered,
    CameraRemoved,
    Event,
    EventData,
    StreamCause,
    StreamWentOffline,
    StreamWentOnline,
)
from gtvision.ids import new_id
from gtvision.time import SystemClock
from ingest.app import create_grabber
from ingest.settings import GrabberSettings, GrabSettings
from servers import free_port

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]
CLOCK = SystemClock()


class Lane:
    """Collects the frames that arrive on the frames lane."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    async def take(self, frame: Frame) -> None:
        self.frames.append(frame)

    async def next_of(self, camera_id: UUID, after: int = 0) -> Frame:
        """Returns the first frame of the camera after the first `after` frames of the lane."""
        async with asyncio.timeout(180):
            while True:
                for frame in self.frames[after:]:
                    if frame.headers.camera_id == camera_id:
                        return frame
                await asyncio.sleep(0.05)


@asynccontextmanager
async def listening(running: Running) -> AsyncIterator[Lane]:
    lane = Lane()
    task = asyncio.create_task(FrameConsumer(running.settings.rabbit, 10, lane.take).run(Heartbeats().register("lane")))
    try:
        yield lane
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def grabber(running: Running) -> Worker:
    settings = running.settings
    return create_grabber(
        GrabberSettings(
            service_name="ingest",
            private_port=free_port(),
            db=settings.db,
            rabbit=settings.rabbit,
            redis=settings.redis,
            grab=GrabSettings(user="reader", password=SecretStr("pass"), keep_alive_s=1, read_timeout_s=2),
        )
    )


async def tell(running: Running, data: EventData, camera_id: UUID) -> None:
    kind: Any = type(data)
    event: Event[Any] = Event[kind](
        type=data.key, occurred_at=CLOCK.now(), tenant_id=running.mint.tenant_id, camera_id=camera_id, data=data
    )
    for _ in range(2):
        await running.bus.publish(event)


async def announce(running: Running, url: str) -> UUID:
    """Publishes the events of a new camera: the stream's before the camera's, and both twice."""
    camera = new_id()
    await tell(running, StreamWentOnline(camera_id=camera, revision=1, read_url=url), camera)
    await tell(running, CameraRegistered(camera_id=camera, revision=4, name="a", url_encrypted="x", ai=AiSettings(fps=2)), camera)
    return camera


async def test_from_announcement_to_frame_and_to_silence_after_removal(running: Running) -> None:
    with camera_process(X264, "reader", "pass") as (url, _):
        async with listening(running) as lane, grabber(running).started():
            camera = await announce(running, url)
            frame = await lane.next_of(camera)
            headers = frame.headers
            picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert picture is not None
            assert picture.shape == (360, 640, 3)
            assert (headers.width_px, headers.height_px, headers.tenant_id) == (640, 360, running.mint.tenant_id)
            assert (headers.ai.fps, headers.ai_revision) == (2.0, 4)
            assert headers.captured_at <= headers.arrived_at
            async with asyncio.timeout(180):
                while not any(each.headers.motion_box for each in lane.frames):
                    await asyncio.sleep(0.05)
            await tell(running, CameraRemoved(camera_id=camera, revision=5), camera)
            await _silence(lane)


async def test_a_stream_that_went_offline_is_left_and_taken_up_again(running: Running) -> None:
    with camera_process(X264, "reader", "pass") as (url, _):
        async with listening(running) as lane, grabber(running).started():
            camera = await announce(running, url)
            await lane.next_of(camera)
            await tell(running, StreamWentOffline(camera_id=camera, revision=2, cause=StreamCause.UNREACHABLE), camera)
            await _silence(lane)
            await tell(running, StreamWentOnline(camera_id=camera, revision=3, read_url=url), camera)
            await lane.next_of(camera, after=len(lane.frames))
            await tell(running, CameraRemoved(camera_id=camera, revision=5), camera)


async def test_when_a_grabber_goes_the_other_takes_its_cameras(running: Running) -> None:
    with camera_process(X264, "reader", "pass") as (url, _):
        async with listening(running) as lane, grabber(running).started():
            cameras = []
            async with grabber(running).started():
                cameras = [await announce(running, url) for _ in range(4)]
                for camera in cameras:
                    await lane.next_of(camera)
            seen = len(lane.frames)
            for camera in cameras:
                await lane.next_of(camera, after=seen)
            for camera in cameras:
                await tell(running, CameraRemoved(camera_id=camera, revision=5), camera)


async def _silence(lane: Lane) -> None:
    """Returns once no frame has come for two seconds."""
    async with asyncio.timeout(180):
        while True:
            before = len(lane.frames)
            await asyncio.sleep(2)
            if len(lane.frames) == before:
                return
