"""Cameras as ingest knows them, and rules of grabbing: who reads which, which key frames are wanted, when a frame was captured."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from gtvision.camera import AiSettings
from gtvision.errors import Unavailable
from gtvision.geometry import Box
from gtvision.tenancy import Caller

SKEW_ALLOWED_S = 5.0
"""A frame whose clock is off by more takes its arrival time (contracts.md)."""


class StreamState(StrEnum):
    """What streaming last announced of a stream."""

    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class KnownStream:
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


_STALE_AFTER_S = 60.0
"""A book that is older decides no rights."""


class CameraBook:
    """Every living camera of every tenant, in memory: for rights and for grabbing. `usecases.Cameras` keeps it fresh."""

    def __init__(self) -> None:
        self._cameras: dict[UUID, KnownCamera] = {}
        self._read_at: float | None = None

    def replace(self, cameras: Iterable[KnownCamera], read_at: float) -> None:
        """Holds these from now on, and no others. `read_at` is a time of the monotonic clock."""
        self._cameras = {camera.camera_id: camera for camera in cameras}
        self._read_at = read_at

    def check(self, caller: Caller, now: float) -> None:
        """Raises: Unavailable, where the caller's groups count and the book was never read, or not for a minute."""
        if caller.camera_groups is not None and (self._read_at is None or now - self._read_at > _STALE_AFTER_S):
            raise Unavailable("The cameras' groups are not known at the moment.")

    def knows(self, tenant_id: UUID, camera_id: UUID) -> bool:
        camera = self._cameras.get(camera_id)
        return camera is not None and camera.tenant_id == tenant_id

    def may_see(self, caller: Caller, camera_id: UUID) -> bool:
        """Whether a camera lies inside the caller's groups. An unknown camera is in none, so that only a caller without limits sees it."""
        if caller.camera_groups is None:
            return True
        camera = self._cameras.get(camera_id)
        return camera is not None and camera.tenant_id == caller.tenant_id and caller.may_see(camera.groups)

    def visible_to(self, caller: Caller) -> frozenset[UUID]:
        """Returns the living cameras of the caller's tenant that lie inside the caller's groups."""
        mine = (camera for camera in self._cameras.values() if camera.tenant_id == caller.tenant_id)
        return frozenset(camera.camera_id for camera in mine if caller.may_see(camera.groups))

    def those_of(self, tenant_id: UUID, fits: Callable[[UUID, frozenset[UUID]], bool]) -> frozenset[UUID]:
        """Returns the living cameras of a tenant that fit, each by its id and groups."""
        mine = (camera for camera in self._cameras.values() if camera.tenant_id == tenant_id)
        return frozenset(camera.camera_id for camera in mine if fits(camera.camera_id, camera.groups))

    def grabbable(self) -> list[KnownCamera]:
        """Returns the cameras that frames can and should be taken from."""
        return [camera for camera in self._cameras.values() if camera.grabbable]


# --- frames ------------------------------------------------------------------------------------------------------------

Plane = NDArray[np.uint8]
"""One plane of a picture, height x width, 8 bits."""


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
class Look:
    """What the motion gate found in a picture. `moved` covers everything that is not background."""

    moved: Box | None
    news: bool
    """Whether anything differs from the picture that was last sent."""


@dataclass(frozen=True, slots=True)
class GrabbedFrame:
    """A JPEG on its way to the analysis."""

    camera: KnownCamera
    jpeg: bytes
    captured_at: datetime
    arrived_at: datetime
    width_px: int
    height_px: int
    motion_box: Box | None
    sequence: int
    clock_skew_ms: int | None


class StreamBroken(Exception):
    """A stream ended, stalled, flooded or could not be opened.

    `cause` is one of a few words, for metrics. `slow`: it was given up because it was waited for so long, and no longer.
    """

    def __init__(self, cause: str, *, slow: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.slow = slow


# --- rules of grabbing -------------------------------------------------------------------------------------------------


def share_of(grabber_id: str, living: Iterable[str], camera_ids: Iterable[UUID]) -> set[UUID]:
    """Returns the cameras of one grabber by rendezvous hashing: every grabber computes the same, and only a dead one's cameras move.

    The grabber itself counts as living, whether or not it is listed.
    """
    names = sorted({*living, grabber_id})
    return {camera_id for camera_id in camera_ids if max(names, key=lambda name: _weight(name, camera_id)) == grabber_id}


def _weight(grabber_id: str, camera_id: UUID) -> bytes:
    return hashlib.blake2b(f"{grabber_id}/{camera_id}".encode(), digest_size=8).digest()


class Pacer:
    """Which key frames to decode: at most `fps` by the stream's clock, and by this machine's where the stream's is wrong.

    A camera at the same rate as we ask for jitters, so a frame may come a fifth early.
    """

    _EARLY = 0.8
    _BURST = 3.0

    def __init__(self, fps: float) -> None:
        self._interval_s = self._EARLY / fps
        self._last_s: float | None = None
        self._credit = self._BURST
        self._refilled_at: float | None = None

    def wants(self, stream_s: float, monotonic_s: float) -> bool:
        """Whether the key frame at this stream time is to be decoded; counts it as taken if so."""
        waited = 0.0 if self._refilled_at is None else monotonic_s - self._refilled_at
        self._credit = min(self._BURST, self._credit + waited / self._interval_s)
        self._refilled_at = monotonic_s
        too_soon = self._last_s is not None and 0 <= stream_s - self._last_s < self._interval_s
        if too_soon or self._credit < 1.0:
            return False
        self._credit -= 1.0
        self._last_s = stream_s
        return True


@dataclass(frozen=True, slots=True)
class Placed:
    """How long before its arrival a frame was captured. `skew_s`, stream minus arrival, where the stream's clock is not believed."""

    age_s: float
    skew_s: float | None = None


class StreamClock:
    """Places frames in time.

    A stream's clock has an arbitrary start, so it is calibrated: the least delay ever seen is what a frame needs that waited in no
    buffer, and anything above it is waiting. The estimate creeps upwards, since a camera's quartz may run slower than ours.
    It runs on monotonic time: a jump of the wall clock moves nothing.
    """

    _CREEP = 200e-6
    _LEAPS_BELIEVED = 3
    """So many frames in a row that are off say that the stream's clock was set, not that frames waited."""

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._arrived_s = 0.0
        self._off = 0

    def place(self, stream_s: float, arrived_s: float) -> Placed:
        """`stream_s` by the stream's clock, `arrived_s` by our monotonic one."""
        seen = arrived_s - stream_s
        if self._offset_s is None:
            self._offset_s, self._arrived_s = seen, arrived_s
            return Placed(0.0)
        self._offset_s += max(0.0, arrived_s - self._arrived_s) * self._CREEP
        self._arrived_s = arrived_s
        age = seen - self._offset_s
        if abs(age) > SKEW_ALLOWED_S:
            return self._leapt(seen, age)
        self._off = 0
        self._offset_s = min(self._offset_s, seen)
        return Placed(max(0.0, age))

    def _leapt(self, seen: float, age: float) -> Placed:
        self._off += 1
        # Ahead of everything so far: no buffer can do that. Behind: believed only when it stays so.
        if age < 0 or self._off >= self._LEAPS_BELIEVED:
            self._offset_s, self._off = seen, 0
        return Placed(0.0, skew_s=-age)
