"""What ai-detect needs from the world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ai_detect.domain import Finding, Picture, ProviderHealth
from gtvision.events import DetectionMade


class Detector(Protocol):
    """Something that finds objects and plates in pictures."""

    async def initialize(self) -> None:
        """Load models, warm up. Raises Unavailable when it cannot work on this machine."""
        ...

    async def detect(self, batch: Sequence[Picture]) -> list[list[Finding]]:
        """Findings for each picture, in order. Raises InvalidImage where one cannot be decoded, Unavailable."""
        ...

    def health(self) -> ProviderHealth: ...

    async def close(self) -> None: ...


class EvidenceStore(Protocol):
    """Where the pictures that were read are kept."""

    async def keep(self, tenant_id: UUID, camera_id: UUID, captured_at: datetime, picture: bytes) -> tuple[str, str]:
        """Store it; its key and SHA-256. The same frame has the same key. Raises Unavailable."""
        ...


class Announcer(Protocol):
    """Says what was seen, confirmed."""

    async def announce(self, tenant_id: UUID, detection: DetectionMade, correlation_id: UUID) -> None:
        """Under an id derived from camera and capture time. Raises Unavailable."""
        ...
