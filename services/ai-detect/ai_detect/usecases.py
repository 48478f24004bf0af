"""What ai-detect does: analyse a frame, batch by batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from ai_detect import metrics
from ai_detect.domain import Finding, Picture, assemble
from ai_detect.ports import Announcer, Detector, EvidenceStore
from chassis.bus import Frame
from chassis.health import Heartbeat
from chassis.logs import get_logger
from chassis.loops import beating
from gtvision.camera import AiSettings
from gtvision.detection import DetectedObject
from gtvision.errors import InvalidImage, RateLimited, Unavailable
from gtvision.events import DetectionMade
from gtvision.time import Clock

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    picture: Picture
    result: asyncio.Future[list[Finding]]


class Batcher:
    """Collects pictures of many callers for one provider: up to `size`, or what came within `window_s` of the first."""

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
                with metrics.inference_seconds.time():
                    async with beating(heartbeat), asyncio.timeout(self._timeout_s):
                        results = await self._detector.detect([waiting.picture for waiting in batch])
            except (Unavailable, TimeoutError) as error:
                metrics.failures.inc()
                self._fail(batch, Unavailable(f"The detector does not answer ({type(error).__name__})."))
            except asyncio.CancelledError:
                self._fail(batch, Unavailable("The detector ended."))
                raise
            except Exception as error:
                await self._one_by_one(batch, _blame(error))
            else:
                metrics.batch_size.observe(len(batch))
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
        """One picture of the batch cannot be analysed: its neighbours must not suffer, and the loop must not end."""
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
    """What a picture is told on which the detector failed: it is the picture that is unusual, and trying it again would fail again."""
    if isinstance(error, InvalidImage):
        return error
    log.error("detector_failed", exc_info=error)
    return InvalidImage("The picture cannot be analysed.")


def _settle(batch: Sequence[_Waiting], results: Sequence[list[Finding]]) -> None:
    for waiting, findings in zip(batch, results, strict=True):
        if not waiting.result.done():
            waiting.result.set_result(findings)


async def inspect_picture(batcher: Batcher, data: bytes, settings: AiSettings) -> list[DetectedObject]:
    """Objects in a picture that somebody sent. Raises InvalidImage, RateLimited, Unavailable."""
    return assemble(await batcher.detect(Picture(data, None, settings)), settings)


@dataclass(frozen=True, slots=True)
class Analyst:
    """Analyses the cameras' frames."""

    batcher: Batcher
    evidence: EvidenceStore
    announcer: Announcer
    clock: Clock
    provider: str
    model: str

    async def analyse_frame(self, frame: Frame) -> None:
        """Detect, keep the picture that was read, announce; only then is the frame acknowledged.

        A frame in which nothing was found leaves no trace. Raises Unavailable (the frame is tried again while it is young).
        """
        headers = frame.headers
        try:
            findings = await self.batcher.detect(Picture(frame.jpeg, headers.motion_box, headers.ai))
        except RateLimited as full:
            raise Unavailable(full.message) from full
        objects = assemble(findings, headers.ai)
        metrics.frames.labels("objects" if objects else "empty").inc()
        if not objects:
            return
        key, sha256 = await self.evidence.keep(headers.tenant_id, headers.camera_id, headers.captured_at, frame.jpeg)
        detection = DetectionMade(
            camera_id=headers.camera_id,
            captured_at=headers.captured_at,
            arrived_at=headers.arrived_at,
            width_px=headers.width_px,
            height_px=headers.height_px,
            objects=tuple(objects),
            provider=self.provider,
            model=self.model,
            evidence_key=key,
            evidence_sha256=sha256,
            clock_skew_ms=headers.clock_skew_ms,
        )
        await self.announcer.announce(headers.tenant_id, detection, headers.correlation_id)
        self._measure(headers.arrived_at.timestamp(), objects, headers.camera_id)

    def _measure(self, arrived_at: float, objects: Sequence[DetectedObject], camera_id: UUID) -> None:
        metrics.frame_seconds.observe(max(0.0, self.clock.now().timestamp() - arrived_at))
        for item in objects:
            metrics.objects.labels(item.object_class.value).inc()
            if item.plate is not None:
                log.debug("plate_read", camera_id=str(camera_id), plate=item.plate.text, confidence=round(item.plate.confidence, 3))
