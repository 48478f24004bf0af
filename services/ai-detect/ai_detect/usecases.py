"""What ai-detect does: read frames and pictures, in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from ai_detect import metrics
from ai_detect.domain import MIN_PROBABILITY, Finding, Picture, ProviderHealth, assemble, evidence_key
from ai_detect.ports import Detector
from chassis.bus import EventPublisher, Frame
from chassis.envelope import Links
from chassis.health import Heartbeat
from chassis.logs import get_logger
from chassis.loops import beating
from chassis.pictures import check_picture
from chassis.storage import ObjectStore
from gtvision.camera import AiSettings
from gtvision.detection import DetectedObject
from gtvision.errors import InvalidImage, RateLimited, Unavailable
from gtvision.events import DetectionMade
from gtvision.ids import derived_id
from gtvision.time import Clock

log = get_logger(__name__)

_NO_CAMERA = AiSettings(min_confidence=MIN_PROBABILITY)
"""A picture that is sent has no camera whose `min_confidence` could hold: all that is more likely an object than not is answered."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    picture: Picture
    result: asyncio.Future[list[Finding]]


class Batcher:
    """Collects the pictures of many callers for one provider: up to `size`, or what came within `window_s` of the first."""

    def __init__(self, detector: Detector, *, size: int, window_s: float, timeout_s: float) -> None:
        self._detector = detector
        self._size = size
        self._window_s = window_s
        self._timeout_s = timeout_s
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(maxsize=size * 4)

    async def detect(self, picture: Picture) -> list[Finding]:
        """Findings of one picture. Raises InvalidImage, RateLimited when too many wait already, Unavailable."""
        waiting = _Waiting(picture, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise RateLimited("Too many pictures are waiting for analysis.") from None
        return await waiting.result

    async def run(self, heartbeat: Heartbeat) -> None:
        """For ever: one batch after the other."""
        while True:
            batch = await self._collect(heartbeat)
            try:
                with metrics.INFERENCE_SECONDS.time():
                    async with beating(heartbeat), asyncio.timeout(self._timeout_s):
                        results = await self._detector.detect([waiting.picture for waiting in batch])
            except (Unavailable, TimeoutError) as error:
                metrics.FAILURES.inc()
                self._fail(batch, Unavailable(f"The detector does not answer ({type(error).__name__})."))
            except asyncio.CancelledError:
                self._fail(batch, Unavailable("The detector ended."))
                raise
            except Exception as error:
                async with beating(heartbeat):
                    await self._one_by_one(batch, _blame(error))
            else:
                metrics.BATCH_SIZE.observe(len(batch))
                _settle(batch, results)

    async def _collect(self, heartbeat: Heartbeat) -> list[_Waiting]:
        first: _Waiting | None = None
        while first is None:
            heartbeat.beat()
            with suppress(TimeoutError):
                async with asyncio.timeout(5):
                    first = await self._queue.get()
        batch = [first]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._window_s):
                while len(batch) < self._size:
                    batch.append(await self._queue.get())
        heartbeat.beat()
        return [waiting for waiting in batch if not waiting.result.cancelled()]

    async def _one_by_one(self, batch: Sequence[_Waiting], error: InvalidImage) -> None:
        """Analyses each picture of a batch alone, since one of them cannot be analysed: that one gets the error, and the loop goes on."""
        if len(batch) == 1:
            self._fail(batch, error)
            return
        for waiting in batch:
            try:
                async with asyncio.timeout(self._timeout_s):
                    _settle([waiting], await self._detector.detect([waiting.picture]))
            except (Unavailable, TimeoutError):
                self._fail([waiting], Unavailable("The detector does not answer."))
            except Exception as own:
                self._fail([waiting], _blame(own))

    @staticmethod
    def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
        for waiting in batch:
            if not waiting.result.done():
                waiting.result.set_exception(error)


def _blame(error: Exception) -> InvalidImage:
    """Returns the error for a picture on which the detector failed: such a picture is unusual, and a second try would fail again."""
    if isinstance(error, InvalidImage):
        return error
    log.error("detector_failed", exc_info=error)
    return InvalidImage("The picture cannot be analysed.")


def _settle(batch: Sequence[_Waiting], results: Sequence[list[Finding]]) -> None:
    for waiting, findings in zip(batch, results, strict=True):
        if not waiting.result.done():
            waiting.result.set_result(findings)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is in a picture. Size and boxes are those of the upright picture."""

    width_px: int
    height_px: int
    objects: list[DetectedObject]
    provider: ProviderHealth


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures that are sent over HTTP: each is read, answered and forgotten."""

    batcher: Batcher
    detector: Detector
    max_bytes: int
    max_pixels: int

    async def inspect(self, data: bytes) -> Inspection:
        """Raises InvalidImage, TooLarge, RateLimited, Unavailable."""
        width, height = check_picture(data, self.max_pixels)
        objects = assemble(await self.batcher.detect(Picture(data, None)), _NO_CAMERA)
        return Inspection(width, height, objects, self.detector.health())


@dataclass(frozen=True, slots=True)
class Frames:
    """The cameras' frames."""

    batcher: Batcher
    objects: ObjectStore
    events: EventPublisher
    clock: Clock
    provider: str
    model: str

    async def analyse(self, frame: Frame) -> None:
        """Detect, keep the picture that was read, announce; only then is the frame acknowledged.

        A frame in which nothing was found leaves no trace. Raises Unavailable (the frame is tried again while it is young).
        """
        headers = frame.headers
        try:
            findings = await self.batcher.detect(Picture(frame.jpeg, headers.motion_box))
        except RateLimited as full:
            raise Unavailable(full.message) from full
        found = assemble(findings, headers.ai)
        metrics.FRAMES.labels("objects" if found else "empty").inc()
        if not found:
            return
        key = evidence_key(headers.tenant_id, headers.camera_id, headers.captured_at)
        sha256 = await self.objects.put(key, frame.jpeg)
        detection = DetectionMade(
            camera_id=headers.camera_id,
            captured_at=headers.captured_at,
            arrived_at=headers.arrived_at,
            width_px=headers.width_px,
            height_px=headers.height_px,
            objects=tuple(found),
            provider=self.provider,
            model=self.model,
            evidence_key=key,
            evidence_sha256=sha256,
            clock_skew_ms=headers.clock_skew_ms,
        )
        # Derived from the frame, so that a frame that comes again repeats its event.
        event_id = derived_id("detection.made", headers.camera_id, headers.captured_at.isoformat())
        links = Links(event_id=event_id, correlation_id=headers.correlation_id)
        await self.events.publish(detection, tenant_id=headers.tenant_id, camera_id=headers.camera_id, links=links)
        metrics.FRAME_SECONDS.observe(max(0.0, (self.clock.now() - headers.arrived_at).total_seconds()))
        for item in found:
            metrics.OBJECTS.labels(item.object_class.value).inc()
