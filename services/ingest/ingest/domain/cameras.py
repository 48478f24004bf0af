"""What ingest knows of a camera, for rights and for grabbing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from gtvision.camera import AiSettings


class StreamState(StrEnum):
    """What streaming last said of a stream."""

    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class StreamTold:
    """A stream as an event described it."""

    camera_id: UUID
    revision: int
    state: StreamState
    read_url: str | None = None


@dataclass(frozen=True, slots=True)
class KnownCamera:
    """A living camera and its stream."""

    tenant_id: UUID
    camera_id: UUID
    revision: int
    enabled: bool
    groups: frozenset[UUID]
    ai: AiSettings
    state: StreamState | None = None
    read_url: str | None = None

    @property
    def grabbable(self) -> bool:
        """Whether frames can and should be taken from it."""
        return self.enabled and self.ai.enabled and bool(self.read_url) and self.state in {StreamState.ONLINE, StreamState.DEGRADED}
