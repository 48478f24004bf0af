"""What ai-detect needs from the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ai_detect.domain import Finding, Picture, ProviderHealth


class Detector(Protocol):
    """Finds objects and plates in pictures. `fakes.FakeDetector` is the one for tests."""

    async def initialize(self) -> None:
        """Loads models, warms up. Raises Unavailable when it cannot work on this machine."""
        ...

    async def detect(self, batch: Sequence[Picture]) -> list[list[Finding]]:
        """Returns findings for each picture, in order. Raises InvalidImage where one cannot be decoded, Unavailable."""
        ...

    def health(self) -> ProviderHealth: ...

    async def close(self) -> None: ...
