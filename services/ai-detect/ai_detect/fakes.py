"""A detector without models; the same tests run on it and on the real one (tests/ai_detect/test_ports.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ai_detect.domain import Finding, Picture, ProviderHealth, ProviderState
from gtvision.errors import Unavailable


class FakeDetector:
    """Answers each picture as `answers` says of its bytes, by findings or by raising; a picture that is not there shows nothing."""

    def __init__(self, answers: Mapping[bytes, list[Finding] | Exception] | None = None) -> None:
        self.answers = answers or {}
        self.batches: list[int] = []
        """How many pictures each call had."""
        self.down = False

    async def initialize(self) -> None:
        if self.down:
            raise Unavailable

    async def detect(self, batch: Sequence[Picture]) -> list[list[Finding]]:
        self.batches.append(len(batch))
        if self.down:
            raise Unavailable
        found: list[list[Finding]] = []
        for picture in batch:
            answer = self.answers.get(picture.data, [])
            if isinstance(answer, Exception):
                raise answer
            found.append(answer)
        return found

    def health(self) -> ProviderHealth:
        state = ProviderState.FAILING if self.down else ProviderState.READY
        return ProviderHealth("fake", "fake", state, pictures=sum(self.batches))

    async def close(self) -> None:
        return None
