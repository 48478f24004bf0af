"""Tests of batches, of the neighbours of a bad picture, and of what happens to a frame before it is acknowledged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ai_detect.domain import Finding, Picture
from ai_detect.fakes import FakeDetector
from ai_detect.usecases import Batcher, Frames
from chassis.bus import EventPublisher, Frame, FrameHeaders
from chassis.envelope import parse
from chassis.fakes import FakePublisher
from chassis.health import Heartbeats
from chassis.settings import ObjectsSettings
from chassis.storage import ObjectStore
from gtvision.camera import ObjectClass
from gtvision.detection import PlateCandidate
from gtvision.errors import InvalidImage, RateLimited, Unavailable
from gtvision.events import DetectionMade
from gtvision.geometry import Box
from gtvision.ids import new_id
from gtvision.time import FakeClock

BOX = Box(x1=0.4, y1=0.5, x2=0.5, y2=0.55)
PLATE = Finding(ObjectClass.PLATE, 0.9, BOX, "fake", (PlateCandidate(text="ABC1D23", confidence=0.9),), (0.9,) * 7)


def detector(**more: bool) -> FakeDetector:
    """Finds a plate in `ok` pictures, cannot decode `bad` ones, and breaks on `odd` ones."""
    made = FakeDetector({b"ok": [PLATE], b"bad": InvalidImage(), b"odd": ZeroDivisionError()})
    made.down = more.get("down", False)
    return made


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
    return Picture(data, None)


class TestBatcher:
    async def test_callers_at_once_share_batches(self) -> None:
        asked = detector()
        async with running(asked) as batcher:
            results = await asyncio.gather(*(batcher.detect(picture()) for _ in range(8)))
        assert results == [[PLATE]] * 8
        assert asked.batches == [4, 4]

    async def test_a_bad_picture_costs_its_neighbours_nothing(self) -> None:
        async with running(detector()) as batcher:
            results = await asyncio.gather(*(batcher.detect(picture(data)) for data in (b"ok", b"bad", b"ok")), return_exceptions=True)
        assert [type(result) for result in results] == [list, InvalidImage, list]

    async def test_a_picture_that_breaks_the_detector_ends_neither_its_neighbours_nor_the_loop(self) -> None:
        async with running(detector()) as batcher:
            results = await asyncio.gather(*(batcher.detect(picture(data)) for data in (b"ok", b"odd", b"ok")), return_exceptions=True)
            assert [type(result) for result in results] == [list, InvalidImage, list]
            with pytest.raises(InvalidImage):
                await batcher.detect(picture(b"odd"))
            assert await batcher.detect(picture()) == [PLATE]

    async def test_a_failing_detector_fails_the_batch_and_not_the_loop(self) -> None:
        failing = detector(down=True)
        async with running(failing) as batcher:
            with pytest.raises(Unavailable):
                await batcher.detect(picture())
            failing.down = False
            assert await batcher.detect(picture()) == [PLATE]

    async def test_too_many_waiting_pictures_are_refused_not_kept(self) -> None:
        batcher = Batcher(detector(), size=1, window_s=0, timeout_s=1)  # its loop is not started
        waiting = [asyncio.create_task(batcher.detect(picture())) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(RateLimited):
            await batcher.detect(picture())
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


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


class TestFrames:
    @pytest.fixture
    def publisher(self) -> FakePublisher:
        return FakePublisher()

    @pytest.fixture
    def objects(self, tmp_path: Path) -> ObjectStore:
        return ObjectStore(ObjectsSettings(url=f"file://{tmp_path}"))

    async def _analyse(self, objects: ObjectStore, publisher: FakePublisher, taken: Frame) -> None:
        clock = FakeClock()
        async with running(detector()) as batcher:
            await Frames(batcher, objects, EventPublisher(publisher, clock), clock, "cpu", "fake").analyse(taken)

    async def test_the_picture_is_kept_before_it_is_announced(self, objects: ObjectStore, publisher: FakePublisher) -> None:
        taken = frame()
        for _ in range(2):
            await self._analyse(objects, publisher, taken)
        first, again = (parse(DetectionMade, message.body) for message in publisher.sent)
        assert first.event_id == again.event_id
        made = first.data
        assert (made.objects[0].plate and made.objects[0].plate.text, made.provider, made.model) == ("ABC1D23", "cpu", "fake")
        assert made.evidence_key is not None
        assert await objects.get(made.evidence_key, made.evidence_sha256) == taken.jpeg

    async def test_an_empty_frame_leaves_no_trace(self, objects: ObjectStore, publisher: FakePublisher, tmp_path: Path) -> None:
        await self._analyse(objects, publisher, frame(b"empty"))
        assert (publisher.sent, list(tmp_path.rglob("*.jpg"))) == ([], [])

    async def test_a_frame_is_not_done_until_it_is_announced(self, objects: ObjectStore, publisher: FakePublisher) -> None:
        publisher.failure = Unavailable()
        with pytest.raises(Unavailable):
            await self._analyse(objects, publisher, frame())

    async def test_a_picture_that_cannot_be_kept_is_not_announced(self, publisher: FakePublisher, tmp_path: Path) -> None:
        (tmp_path / "evidence").write_text("a file where the folder would be")
        with pytest.raises(Unavailable):
            await self._analyse(ObjectStore(ObjectsSettings(url=f"file://{tmp_path}")), publisher, frame())
        assert publisher.sent == []
