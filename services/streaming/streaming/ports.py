"""What streaming needs from the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath
from typing import Protocol
from uuid import UUID

from gtvision.addresses import IpAddress
from gtvision.camera_urls import CameraUrl
from streaming.domain import Change, DesiredCamera, PathConfig, PathStatus, Segment, SegmentFile, StreamView


class MediaServer(Protocol):
    """A media server's control API. Every method raises `gtvision.errors.Unavailable` when it cannot be asked."""

    async def paths(self) -> list[PathConfig]:
        """The configured camera paths."""
        ...

    async def apply(self, change: Change) -> None:
        """Carry one change out. Repeating it is harmless."""
        ...

    async def statuses(self) -> dict[str, PathStatus]:
        """What every path is doing, by name."""
        ...

    async def kick_readers(self, path: str) -> int:
        """End every HLS and WebRTC session of a path; how many there were."""
        ...


class Names(Protocol):
    """Names to addresses."""

    async def addresses(self, host: str) -> list[IpAddress]:
        """As this machine resolves it. Raises: Unavailable, where there is no answer in time or no such name."""
        ...


class Certificates(Protocol):
    """The certificates of cameras that speak TLS."""

    async def fingerprint(self, address: IpAddress, port: int, name: str) -> str:
        """SHA-256 of the certificate there, which names `name` and is vouched for. Raises: Unavailable, also for any other one."""
        ...


class Sources(Protocol):
    """What the media server may be told in place of a camera's address. Answers from memory."""

    def source(self, url: CameraUrl, present: PathConfig | None, *, well: bool) -> tuple[str, str]:
        """Source and fingerprint; `present` is what the server holds. Raises: InvalidCameraUrl; Unavailable, not known yet."""
        ...

    def keep(self, urls: Sequence[CameraUrl]) -> None:
        """The cameras are through: forget every name but these."""
        ...


class EdgeMap(Protocol):
    """What one edge knows of which media node has a camera."""

    name: str

    async def sync(self, nodes: Mapping[str, str]) -> int:
        """Make it know exactly these (path -> node); how many entries changed. Repeating it is harmless. Raises: Unavailable."""
        ...


class SegmentStore(Protocol):
    """The recordings folder."""

    async def scan(self) -> list[SegmentFile]:
        """Every recorded file in MediaMTX's layout."""
        ...

    async def measure(self, path: PurePosixPath) -> timedelta:
        """The true duration of a file from its first to the end of its last frame. Raises Invalid if nothing in it can be played."""
        ...

    async def sha256(self, path: PurePosixPath) -> str:
        """The file's SHA-256, hexadecimal."""
        ...

    async def delete(self, path: PurePosixPath) -> None:
        """Remove the file; a missing one is fine."""
        ...

    async def missing_free_bytes(self, floor: float) -> int:
        """How many bytes must be freed so that `floor` (0..1) of the disk is free; 0 when it is."""
        ...


class StreamRepository(Protocol):
    """Stream states of one tenant, inside a unit of work."""

    async def save(self, stream: StreamView) -> None: ...

    async def list_after(self, after: UUID | None, limit: int, groups: frozenset[UUID] | None) -> list[tuple[StreamView, str]]:
        """Streams by camera id with the camera's name, of cameras in these groups (None: all); removed cameras are left out."""
        ...

    async def get(self, camera_id: UUID) -> tuple[StreamView, str, frozenset[UUID]] | None: ...


class SegmentRepository(Protocol):
    """The recording index of one tenant, inside a unit of work."""

    async def last_link(self, camera_id: UUID) -> str:
        """The chain value of the camera, its row locked until the end of the transaction."""
        ...

    async def find(self, segment_id: UUID, started_at: datetime) -> Segment | None: ...

    async def put(self, segment: Segment) -> None:
        """Store it, or replace what was stored of it, and make its link the camera's last."""
        ...

    async def list_newest(
        self, camera_id: UUID, since: datetime, until: datetime, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Segment]: ...

    async def forget(self, segment_id: UUID, started_at: datetime) -> None:
        """The file is gone by retention."""
        ...


class Fleet(Protocol):
    """Look-ups across tenants, for the jobs of a node (definer functions of the schema's owner)."""

    async def cameras(self) -> list[DesiredCamera]: ...

    async def streams(self) -> list[StreamView]: ...

    async def indexed_sizes(self, since: datetime) -> dict[str, int]:
        """By path, the size in bytes of the segments that are in the index, from an instant on."""
        ...

    async def make_room(self, first: date, last: date) -> None:
        """See that the index can hold segments of these days (both included)."""
        ...
