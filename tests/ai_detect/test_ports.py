"""What every detector does: the one for tests, and the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.ai_detect.pictures import street

from ai_detect.domain import Finding, Picture, ProviderState
from ai_detect.fakes import FakeDetector
from ai_detect.gateways.cpu_detector import CpuDetector
from ai_detect.ports import Detector
from gtvision.camera import ObjectClass
from gtvision.detection import PlateCandidate
from gtvision.errors import InvalidImage
from gtvision.geometry import Box

CAR, EMPTY, BROKEN = street([("ABC1D23", 80, 100)]), street([]), b"\xff\xd8\xff\xd9"
PLATE = Finding(ObjectClass.PLATE, 0.9, Box(x1=0.1, y1=0.2, x2=0.3, y2=0.3), "fake", (PlateCandidate(text="ABC1D23", confidence=0.9),))


@pytest_asyncio.fixture(params=["fake", pytest.param("cpu", marks=pytest.mark.media)], scope="module", loop_scope="session")
async def detector(request: pytest.FixtureRequest) -> AsyncIterator[Detector]:
    made: Detector = FakeDetector({CAR: [PLATE], BROKEN: InvalidImage()})
    if request.param == "cpu":
        made = CpuDetector(model_path=None, threads=1, picture_timeout_s=240)
    await made.initialize()
    yield made
    await made.close()


class TestDetector:
    async def test_each_picture_has_its_answer_in_order(self, detector: Detector) -> None:
        before = detector.health().pictures
        answers = await detector.detect([Picture(EMPTY, None), Picture(CAR, None), Picture(EMPTY, None)])
        assert [[finding.candidates[0].text for finding in answer] for answer in answers] == [[], ["ABC1D23"], []]
        assert (detector.health().state, detector.health().pictures) == (ProviderState.READY, before + 3)

    async def test_what_cannot_be_decoded_is_an_invalid_image(self, detector: Detector) -> None:
        with pytest.raises(InvalidImage):
            await detector.detect([Picture(CAR, None), Picture(BROKEN, None)])
