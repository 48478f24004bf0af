"""What ingest needs from the world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from gtvision.geometry import Box
from ingest.domain.cameras import KnownCamera, StreamTold
from ingest.domain.detections import Detection, Sought

Plane = NDArray[np.uint8]
"""One plane of a picture, height x width, 8 bits."""


class DetectionRows(Protocol):
    """The stored detections of one tenant."""

    async def add(self, detections: Sequence[Detection], stored_at: datetime) -> set[UUID]:
        """Store what is not there yet; the ids of what was new."""
        ...

    async def newest(self, sought: Sought) -> list[Detection]:
        """At most `sought.limit`, by capture time, newest first."""
        ...

    async def find(self, detection_id: UUID, captured_at: datetime) -> Detection | None: ...


class CameraRows(Protocol):
    """One tenant's cameras and streams; streams told in any order, as often as it likes."""

    async def stream_told(self, stream: StreamTold) -> bool:
        """Take it if it is news; whether it was."""
        ...

    async def groups(self) -> dict[UUID, frozenset[UUID]]:
        """The groups of every living camera."""
        ...


class CameraCatalogue(Protocol):
    """Every tenant's living cameras."""

    async def living(self) -> list[KnownCamera]:
        """Raises: Unavailable."""
        ...


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


class LiveMessage(Protocol):
    """A message for screens as it came; `raw` is its JSON. One without tenant says that some may have been lost."""

    @property
    def tenant_id(self) -> UUID | None: ...
    @property
    def topic(self) -> str: ...
    @property
    def data(self) -> Any: ...
    @property
    def raw(self) -> bytes: ...


class LiveIn(Protocol):
    """Everybody's messages for screens."""

    def subscribe(self, patterns: Sequence[str]) -> AsyncIterator[LiveMessage]: ...


class Revocations(Protocol):
    """Sessions that ended before their time."""

    def is_revoked(self, session_id: UUID) -> bool:
        """Raises: Unavailable where no list was ever seen."""
        ...


# --- grabbing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded key frame, planar 4:2:0. `stream_s` is the stream's own clock, seconds from an arbitrary start."""

    y: Plane
    u: Plane
    v: Plane
    stream_s: float
    full_range: bool

    @property
    def width_px(self) -> int:
        return int(self.y.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.y.shape[0])


@dataclass(frozen=True, slots=True)
class GrabbedFrame:
    """What leaves the grabber."""

    camera: KnownCamera
    jpeg: bytes
    captured_at: datetime
    arrived_at: datetime
    width_px: int
    height_px: int
    motion_box: Box | None
    sequence: int
    clock_skew_ms: int | None


class StreamReader(Protocol):
    """Reads the key frames of one stream. Used by one thread."""

    def pictures(self, read_url: str, wanted: Callable[[float], bool], stopped: Callable[[], bool]) -> Iterator[Picture]:
        """Key frames whose stream time is wanted, until the stream ends or `stopped`.

        Raises: StreamBroken, when it cannot be opened, stalls, floods or breaks.
        """
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """What the motion gate made of a picture. `moved` covers everything that is not background."""

    moved: Box | None
    news: bool
    """Whether anything differs from the picture that was last sent."""


class MotionGate(Protocol):
    """Learns one camera's background. Used by one thread."""

    def look(self, luma: Plane, elapsed_s: float) -> Look: ...

    def sent(self) -> None:
        """The picture last looked at goes out."""
        ...


class JpegEncoder(Protocol):
    """Pictures to JPEG."""

    def encode(self, picture: Picture) -> bytes: ...


class FrameSink(Protocol):
    """Where frames go. Never blocks; drops the oldest and counts."""

    def offer(self, frame: GrabbedFrame) -> None: ...


class GrabberRoll(Protocol):
    """Who is grabbing."""

    async def report(self, grabber_id: str) -> frozenset[str]:
        """Say that one lives; all who do. Raises: Unavailable."""
        ...

    async def leave(self, grabber_id: str) -> None: ...
