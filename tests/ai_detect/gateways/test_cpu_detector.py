"""Tests of the CPU provider on real models: what it reads, and that it goes on after its process was killed."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.ai_detect.pictures import street

from ai_detect.domain import Picture, ProviderState
from ai_detect.gateways.cpu_detector import CpuDetector
from gtvision.errors import Unavailable
from gtvision.geometry import Box

pytestmark = pytest.mark.media


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def detector() -> AsyncIterator[CpuDetector]:
    made = CpuDetector(model_path=None, threads=1, picture_timeout_s=240)
    await made.initialize()
    yield made
    await made.close()


def picture(data: bytes, region: Box | None = None) -> Picture:
    return Picture(data, region)


async def read(detector: CpuDetector, data: bytes, region: Box | None = None) -> list[str]:
    [findings] = await detector.detect([picture(data, region)])
    return sorted(finding.candidates[0].text for finding in findings)


async def test_reads_plates_of_both_eras(detector: CpuDetector) -> None:
    assert await read(detector, street([("ABC1D23", 80, 100), ("KLM-4567", 400, 320)])) == ["ABC1D23", "KLM4567"]


async def test_looks_only_inside_the_motion_box_and_answers_in_the_pictures_coordinates(detector: CpuDetector) -> None:
    data = street([("ABC1D23", 80, 100), ("KLM4567", 400, 320)])
    [findings] = await detector.detect([picture(data, Box(x1=0.5, y1=0.5, x2=1, y2=1))])
    assert [finding.candidates[0].text for finding in findings] == ["KLM4567"]
    assert findings[0].box.iou(Box(x1=400 / 640, y1=322 / 480, x2=528 / 640, y2=350 / 480)) > 0.5


async def test_an_empty_street_has_no_plates(detector: CpuDetector) -> None:
    assert await read(detector, street([])) == []


async def test_a_strip_too_thin_to_read_holds_nothing_and_breaks_nothing(detector: CpuDetector) -> None:
    data = street([("ABC1D23", 80, 100)])
    assert await read(detector, data, Box(x1=0, y1=0.5, x2=1, y2=0.51)) == []
    assert await read(detector, data, Box(x1=0.5, y1=0, x2=0.501, y2=1)) == []


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_dead_or_frozen_reading_process_is_replaced(number: signal.Signals) -> None:
    detector = CpuDetector(model_path=None, threads=1, picture_timeout_s=3)
    await detector.initialize()
    assert detector._pool is not None
    [process] = list(detector._pool._processes.values())
    assert process.pid is not None
    os.kill(process.pid, number)
    with pytest.raises(Unavailable):
        await detector.detect([picture(street([]))])
    detector._picture_timeout_s = 240
    assert await read(detector, street([("ABC1D23", 80, 100)])) == ["ABC1D23"]
    assert detector.health().state is ProviderState.READY
    process.join(120)
    assert not process.is_alive()
    await detector.close()


async def test_a_missing_model_is_a_clear_error() -> None:
    detector = CpuDetector(model_path=Path("/nowhere/yolo.xml"), threads=1, picture_timeout_s=3)
    with pytest.raises(Unavailable, match="yolo export"):
        await detector.initialize()
