"""Tests of batches, also with a bad picture among good ones, and of what is done with a frame before its acknowledgement."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import pytest

from ai_detect.domain import Finding, Picture, ProviderHealth, ProviderState
from ai_detect.usecases import Analyst, Batcher
from chassis.bus import Frame, FrameHeaders
from chassis.health import Heartbeats
from gtvision.camera import AiSettings, ObjectClass
from gtvision.detection import PlateCandidate
from gtvision.errors import InvalidImage, RateLimited, Unavailable
from gtvision.events import DetectionMade
from gtvision.geometry import Box
from gtvision.ids import new_id
from gtvision.time import FakeClock

BOX = Box(x1=0.4, y1=0.5, x2=0.5, y2=0.55)
PLATE = Finding(ObjectClass.PLATE, 0.9, BOX, "fake", (PlateCandidate(text="ABC1D23", confidence=0.9),), (0.9,) * 7)


@dataclass
class FakeDetector:
    """Finds a plate in every picture except `empty` ones; cannot decode `bad` ones, and crashes on `odd` ones."""

    batches: list[int] = field(default_factory=list)
    down: bool = False

    async def initialize(self) -> None:
        return None

    async def detect(self, batch: Sequence[Picture]) -> list[list[Finding]]:
        self.batches.append(len(batch))
        if self.down:
            raise Unavailable
        if any(picture.data == b"bad" for picture in batch):
            raise InvalidImage
        if any(picture.data == b"odd" for picture in batch):
            raise ZeroDivisionError
        return [[] if picture.data == b"empty" else [PLATE] for picture in batch]

    def health(self) -> ProviderHealth:
        return ProviderHealth("fake", "fake", ProviderState.READY)

    async def close(self) -> None:
        return None


@asynccontextmanager
async def running(detector: FakeDetector, size: int = 4) -> AsyncIterator[Batcher]:
    batcher = Batcher(detector, size=size, window_s=0.05, timeout_s=120)
    task = asyncio.create_task(batcher.run(Heartbeats().register("batcher")))
    try:
        yield batcher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def picture(data: bytes = b"ok") -> Picture:
    return Picture(data, None, AiSettings())


class TestBatcher:
    async def test_callers_at_once_share_batches(self) -> None:
        detector = FakeDetector()
        async with running(detector) as batcher:
            results = await asyncio.gather(*(batcher.detect(picture()) for _ in range(8)))
        assert results == [[PLATE]] * 8
        assert detector.batches == [4, 4]

    async def test_a_bad_picture_costs_its_neighbours_nothing(self) -> None:
        async with running(FakeDetector()) as batcher:
            results = await asyncio.gather(*(batcher.detect(picture(data)) for data in (b"ok", b"bad", b"ok")), return_exceptions=True)
        assert [type(result) for result in results] == [list, InvalidImage, list]

    async def test_a_picture_that_breaks_the_detector_ends_neither_its_neighbours_nor_the_loop(self) -> None:
        async with running(FakeDetector()) as batcher:
            results = await asyncio.gather(*(batcher.detect(picture(data)) for data in (b"ok", b"odd", b"ok")), return_exceptions=True)
            assert [type(result) for result in results] == [list, InvalidImage, list]
            with pytest.raises(InvalidImage):
                await batcher.detect(picture(b"odd"))
            assert await batcher.detect(picture()) == [PLATE]

    async def test_a_failing_detector_fails_the_batch_and_not_the_loop(self) -> None:
        detector = FakeDetector(down=True)
        async with running(detector) as batcher:
            with pytest.raises(Unavailable):
                await batcher.detect(picture())
            detector.down = False
            assert await batcher.detect(picture()) == [PLATE]

    async def test_too_many_waiting_pictures_are_refused_not_kept(self) -> None:
        batcher = Batcher(FakeDetector(), size=1, window_s=0, timeout_s=1)  # its loop does not run
        waiting = [asyncio.create_task(batcher.detect(picture())) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(RateLimited):
            await batcher.detect(picture())
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


@dataclass
class Kept:
    """Records evidence and announcements in the order in which they come."""

    steps: list[str] = field(default_factory=list)
    events: list[DetectionMade] = field(default_factory=list)
    refuse: str = ""

    async def keep(self, tenant_id: UUID, camera_id: UUID, captured_at: datetime, picture: bytes) -> tuple[str, str]:
        self._step("keep")
        return "evidence/x.jpg", "0" * 64

    async def announce(self, tenant_id: UUID, detection: DetectionMade, correlation_id: UUID) -> None:
        self._step("announce")
        self.events.append(detection)

    def _step(self, name: str) -> None:
        if self.refuse == name:
            raise Unavailable
        self.steps.append(name)


def frame(data: bytes = b"ok") -> Frame:
    now = FakeClock().now()
    headers = FrameHeaders(
        tenant_id=new_id(),
        camera_id=new_id(),
        captured_at=now,
        arrived_at=now,
        width_px=1280,
        height_px=720,
        sequence=1,
        correlation_id=new_id(),
    )
    return Frame(data, headers)


class TestAnalyseFrame:
    def analyst(self, batcher: Batcher, kept: Kept) -> Analyst:
        return Analyst(batcher, kept, kept, FakeClock(), "cpu", "fake")

    async def test_the_picture_is_kept_before_it_is_announced(self) -> None:
        kept = Kept()
        async with running(FakeDetector()) as batcher:
            await self.analyst(batcher, kept).analyse_frame(frame())
        assert kept.steps == ["keep", "announce"]
        [event] = kept.events
        assert (event.evidence_key, event.objects[0].plate and event.objects[0].plate.text) == ("evidence/x.jpg", "ABC1D23")

    async def test_an_empty_frame_leaves_no_trace(self) -> None:
        kept = Kept()
        async with running(FakeDetector()) as batcher:
            await self.analyst(batcher, kept).analyse_frame(frame(b"empty"))
        assert kept.steps == []

    @pytest.mark.parametrize("refuse", ["keep", "announce"])
    async def test_a_frame_is_not_done_until_it_is_announced(self, refuse: str) -> None:
        kept = Kept(refuse=refuse)
        async with running(FakeDetector()) as batcher:
            with pytest.raises(Unavailable):
                await self.analyst(batcher, kept).analyse_frame(frame())
        assert kept.events == []
