"""From the cameras' threads to the frames lane: bounded, and the oldest frame gives way."""

from __future__ import annotations

import asyncio
from collections import deque

from chassis.bus import FrameHeaders, FramePublisher
from chassis.health import Heartbeat
from chassis.logs import get_logger
from chassis.loops import beating
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from ingest import metrics
from ingest.grabbing.domain import GrabbedFrame

log = get_logger(__name__)

_SENDERS = 8
"""Confirms awaited at once. Frames are few and large: more would only wait longer."""


class BrokerFrameSink:
    """Where frames go: offered from any thread, published by `run` in the loop."""

    def __init__(self, publisher: FramePublisher, *, waiting: int = 64) -> None:
        self._publisher = publisher
        self._waiting: deque[GrabbedFrame] = deque()
        self._most = waiting
        self._filled = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def offer(self, frame: GrabbedFrame) -> None:
        """Takes a frame and never blocks; the oldest that waits is dropped where there are too many."""
        loop = self._loop
        if loop is None or loop.is_closed():
            metrics.FRAMES_DROPPED.labels("stopped").inc()
            return
        # A deque is safe between threads; the bound is kept here too, so that a loop that hangs costs no memory.
        self._waiting.append(frame)
        while len(self._waiting) > self._most:
            if self._next() is None:
                break
            metrics.FRAMES_DROPPED.labels("overrun").inc()
        try:
            loop.call_soon_threadsafe(self._filled.set)
        except RuntimeError:  # closed in this very moment
            metrics.FRAMES_DROPPED.labels("stopped").inc()

    async def run(self, heartbeat: Heartbeat) -> None:
        """Publishes what is offered, for ever."""
        self._loop = asyncio.get_running_loop()
        try:
            async with beating(heartbeat), asyncio.TaskGroup() as senders:
                for _ in range(_SENDERS):
                    senders.create_task(self._send_all())
        finally:
            self._loop = None

    async def _send_all(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while (frame := self._next()) is not None:
                await self._send(frame)

    def _next(self) -> GrabbedFrame | None:
        try:
            return self._waiting.popleft()
        except IndexError:  # another sender, or a thread that made room, was quicker
            return None

    async def _send(self, frame: GrabbedFrame) -> None:
        try:
            await self._publisher.publish(frame.jpeg, _headers(frame))
        except Unavailable as error:
            metrics.FRAMES_DROPPED.labels("broker").inc()
            log.debug("frame_dropped", camera_id=str(frame.camera.camera_id), reason=error.message)


def _headers(frame: GrabbedFrame) -> FrameHeaders:
    return FrameHeaders(
        tenant_id=frame.camera.tenant_id,
        camera_id=frame.camera.camera_id,
        captured_at=frame.captured_at,
        arrived_at=frame.arrived_at,
        width_px=frame.width_px,
        height_px=frame.height_px,
        motion_box=frame.motion_box,
        sequence=frame.sequence,
        ai=frame.camera.ai,
        ai_revision=frame.camera.revision,
        clock_skew_ms=frame.clock_skew_ms or 0,
        correlation_id=new_id(),
    )
