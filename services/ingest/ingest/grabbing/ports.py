"""What grabbing needs from the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from gtvision.geometry import Box
from ingest.grabbing.domain import KnownCamera, StreamTold

Plane = NDArray[np.uint8]
"""One plane of a picture, height x width, 8 bits."""


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

    def pictures(
        self, read_url: str, wanted: Callable[[float], bool], stopped: Callable[[], bool], *, patience: int = 1
    ) -> Iterator[Picture]:
        """Key frames whose stream time is wanted, until the stream ends or `stopped`. `patience`: how many times longer it is waited for.

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
