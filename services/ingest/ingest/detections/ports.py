"""What detections need from the world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from ingest.detections.domain import Detection, Sought


class DetectionRows(Protocol):
    """The stored detections of one tenant."""

    async def add(self, detections: Sequence[Detection], stored_at: datetime) -> set[UUID]:
        """Store what is not there yet; the ids of what was new."""
        ...

    async def newest(self, sought: Sought) -> list[Detection]:
        """At most `sought.limit`, by capture time, newest first."""
        ...

    async def find(self, detection_id: UUID, captured_at: datetime) -> Detection | None: ...


class Partitions(Protocol):
    """The days that detections can be stored in."""

    async def make(self, days: Sequence[date]) -> int: ...

    async def drop_before(self, day: date) -> int: ...


class Evidence(Protocol):
    """Pictures that were read."""

    async def get(self, key: str, sha256: str | None = None) -> bytes:
        """The picture, compared with its hash. Raises: NotFound, Unavailable."""
        ...


class LiveOut(Protocol):
    """Messages for screens; loss allowed."""

    async def publish(self, tenant_id: UUID, topic: str, message: dict[str, Any]) -> None: ...
