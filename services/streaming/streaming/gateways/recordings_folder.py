"""The folder that the media server records into."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path, PurePosixPath

import av

from gtvision.errors import Invalid
from streaming.recordings.domain import Pictures, SegmentFile, parse_segment_path

_MEASURE_TIMEOUT_S = 30.0


class RecordingsFolder:
    """Files under one folder, in MediaMTX's layout `cam_<id>/<date and time>.mp4`. Disk work happens in threads."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def scan(self) -> list[SegmentFile]:
        """Every recorded file."""
        return await asyncio.to_thread(lambda: list(self._files()))

    async def measure(self, path: PurePosixPath) -> Pictures:
        """Where the file's video lies. Raises: Invalid, where nothing in it can be played; FileNotFoundError, TimeoutError."""
        async with asyncio.timeout(_MEASURE_TIMEOUT_S):
            return await asyncio.to_thread(_pictures, self._root / path)

    async def sha256(self, path: PurePosixPath) -> str:
        """Hexadecimal. Raises: FileNotFoundError, TimeoutError."""
        async with asyncio.timeout(_MEASURE_TIMEOUT_S):
            return await asyncio.to_thread(_sha256, self._root / path)

    async def delete(self, path: PurePosixPath) -> None:
        """Removes the file; a missing one is fine."""
        await asyncio.to_thread((self._root / path).unlink, missing_ok=True)

    async def missing_free_bytes(self, floor: float) -> int:
        """How many bytes must be freed so that `floor` (0..1) of the disk is free; 0 when it is."""
        usage = await asyncio.to_thread(shutil.disk_usage, self._root)
        return max(0, int(usage.total * floor) - usage.free)

    def _files(self) -> Iterator[SegmentFile]:
        if not self._root.is_dir():
            return
        for folder in os.scandir(self._root):
            if not folder.is_dir(follow_symlinks=False):
                continue
            for entry in os.scandir(folder.path):
                path = PurePosixPath(folder.name, entry.name)
                parsed = parse_segment_path(path)
                if parsed is None:
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # deleted since it was listed
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                yield SegmentFile(path=path, camera_id=parsed[0], started_at=parsed[1], size_bytes=status.st_size, modified_at=modified)


def _pictures(path: Path) -> Pictures:
    """Where the video lies, by reading every packet (nothing is decoded).

    The last fragment of a file that was cut short by a crash may be torn; what is before it counts.
    """
    first: int | None = None
    last, step, base = 0, 0, Fraction(1, 90_000)
    try:
        with av.open(str(path), format="mp4", options={"protocol_whitelist": "file"}) as container:
            stream = container.streams.video[0]
            base = stream.time_base or base
            for packet in container.demux(stream):
                if packet.pts is None or (first is None and not packet.is_keyframe):
                    continue
                if first is None:
                    first = last = packet.pts
                if packet.pts >= last:
                    step = packet.duration or packet.pts - last
                    last = packet.pts
    except (av.FFmpegError, IndexError) as error:
        if first is None:
            raise Invalid(f"The recording cannot be played ({type(error).__name__}).") from None
    if first is None:
        raise Invalid("The recording has no key frame.")
    return Pictures(timedelta(seconds=float(first * base)), timedelta(seconds=float((last + step) * base)))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
