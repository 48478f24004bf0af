"""The folder that the media server records into."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import math
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeVar
from uuid import UUID

import av

from chassis.logs import get_logger
from gtvision.camera import camera_of_path, path_name
from gtvision.errors import Invalid, Unavailable
from streaming.playback.parts import sound_marks
from streaming.recordings.domain import Pictures, SegmentFile, parse_segment_path, thumbnail_of
from streaming.recordings.parts import Parts, read_parts

Answer = TypeVar("Answer")

_MEASURE_TIMEOUT_S = 30.0
log = get_logger(__name__)

_PROBE_BYTES = 4_000_000
"""About what a camera writes in some seconds: where that has no room, no recording has."""

_CHUNK = 1 << 18
_THUMBNAIL, _UNFINISHED = ".jpg", ".part"
_GIVEN_UP_AFTER = timedelta(hours=1)
"""A file that is being received is written to all the time."""


class RecordingsFolder:
    """Files under one folder, in MediaMTX's layout `cam_<id>/<date and time>.mp4`. Disk work happens in threads."""

    def __init__(self, root: Path, *, timeout_s: float = 120.0) -> None:
        """`timeout_s` is how long the file system may take to list one folder, or to delete one file."""
        self._root, self._timeout_s = root, timeout_s

    async def scan(self) -> list[SegmentFile]:
        """Every recorded file. Raises: Unavailable."""
        folders = await self._ask(lambda: list(self._folders()))
        return [file for folder in folders for file in await self._ask(partial(_readable, folder))]

    async def names(self, camera_id: UUID) -> list[str]:
        """What the folder of a camera holds, in order: recordings and thumbnails begin with their instant. Raises: Unavailable."""
        return await self._ask(partial(_names, self._root / path_name(camera_id)))

    async def of_camera(self, camera_id: UUID) -> list[SegmentFile]:
        """One camera's recorded files. Raises: Unavailable."""
        folder = self._root / path_name(camera_id)
        return await self._ask(lambda: _files(folder) if folder.is_dir() else [])

    async def measure(self, path: PurePosixPath) -> Pictures:
        """Where the file's video lies. Raises: Invalid, where nothing in it can be played; OSError."""
        async with asyncio.timeout(_MEASURE_TIMEOUT_S):
            return await asyncio.to_thread(_pictures, self._root / path)

    async def sha256(self, path: PurePosixPath) -> str:
        """Hexadecimal. Raises: OSError."""
        async with asyncio.timeout(_MEASURE_TIMEOUT_S):
            return await asyncio.to_thread(_sha256, self._root / path)

    async def parts(self, path: PurePosixPath) -> Parts:
        """What the file consists of, also while it is written. Raises: Invalid, OSError."""
        async with asyncio.timeout(_MEASURE_TIMEOUT_S):
            return await asyncio.to_thread(_parts, self._root / path)

    async def sound_marks(self, path: PurePosixPath) -> list[int]:
        """Where the file names its boxes of sound (`playback.parts`). Raises: Invalid, OSError."""
        async with asyncio.timeout(_MEASURE_TIMEOUT_S):
            return await asyncio.to_thread(_sound_marks, self._root / path)

    async def read_range(self, path: PurePosixPath, offset: int, size: int) -> bytes:
        """Bytes of the file; fewer where it ends before. Raises: OSError."""
        async with asyncio.timeout(_MEASURE_TIMEOUT_S):
            return await asyncio.to_thread(_read, self._root / path, offset, size)

    async def version(self, path: PurePosixPath) -> tuple[int, int]:
        """Size in bytes and time of the last write: other ones, other content. Raises: OSError."""
        async with asyncio.timeout(_MEASURE_TIMEOUT_S):
            status = await asyncio.to_thread((self._root / path).stat)
        return status.st_size, status.st_mtime_ns

    async def has(self, path: PurePosixPath, size_bytes: int) -> bool:
        """Whether a file of this size is there. Raises: Unavailable."""
        return await self._ask(partial(_has, self._root / path, size_bytes))

    async def chunks(self, path: PurePosixPath) -> AsyncIterator[bytes]:
        """The content, in chunks. Raises: OSError."""
        file = await self._step(lambda: (self._root / path).open("rb"))
        try:
            while chunk := await self._step(partial(file.read, _CHUNK)):
                yield chunk
        finally:
            await asyncio.to_thread(file.close)

    async def _step(self, step: Callable[[], Answer]) -> Answer:
        async with asyncio.timeout(_MEASURE_TIMEOUT_S):
            return await asyncio.to_thread(step)

    async def receive(self, path: PurePosixPath, chunks: AsyncIterator[bytes]) -> PurePosixPath:
        """Writes the content of a recorded file beside its place, where no look finds it, and returns where.

        Nothing is left of what did not come whole. Raises: Unavailable.
        """
        unfinished = path.with_name(path.name + _UNFINISHED)
        whole = self._root / unfinished
        file = await self._ask(partial(_open_new, whole))
        try:
            async for chunk in chunks:
                await self._ask(partial(file.write, chunk))
            await self._ask(partial(_flush, file))
            await self._ask(file.close)
        except BaseException:
            with suppress(Unavailable):
                await self._ask(partial(_give_up, file, whole))
            raise
        return unfinished

    async def settle(self, path: PurePosixPath, written_at: datetime) -> None:
        """Puts a file that was received in its place, as it was written at an instant. Raises: Unavailable."""
        await self._ask(partial(_settle, self._root / path, written_at.timestamp()))

    async def delete(self, path: PurePosixPath) -> None:
        """Removes the file and its thumbnail; missing ones are fine. Raises: Unavailable."""
        for each in (path, thumbnail_of(path)):
            await self._ask(partial((self._root / each).unlink, missing_ok=True))

    async def begin_thumbnail(self, path: PurePosixPath) -> None:
        """Notes on the disk that a thumbnail is tried: a file that ends the process that decodes it does so once. Raises: Unavailable."""
        await self._ask((self._root / _unfinished(path)).touch)

    async def put_thumbnail(self, path: PurePosixPath, jpeg: bytes) -> None:
        """Stores the thumbnail of a recorded file: whole, or not at all. Raises: Unavailable."""
        await self._ask(partial(_put, self._root / _unfinished(path), self._root / thumbnail_of(path), jpeg))

    async def sweep(self, now: datetime) -> int:
        """Removes thumbnails that have no recording, unfinished ones too, and what a process that was killed had begun to receive.

        Returns how many. Raises: Unavailable.
        """
        folders = await self._ask(lambda: list(self._folders()))
        return sum([await self._ask(partial(_sweep, folder, (now - _GIVEN_UP_AFTER).timestamp())) for folder in folders])

    async def missing_free_bytes(self, floor: float) -> int:
        """How many bytes must be freed so that `floor` (0..1) of the disk is free; 0 when it is. Raises: Unavailable."""
        total, free = await self.disk()
        return max(0, int(total * floor) - free)

    async def disk(self) -> tuple[int, int]:
        """Total and free bytes of the disk. Raises: Unavailable."""
        usage = await self._ask(lambda: shutil.disk_usage(self._root))
        return usage.total, usage.free

    async def refuses(self) -> str | None:
        """Why the folder takes no file: `disk_full`, `not_writable`, or `disk_unavailable` (no answer). None: it takes one."""
        try:
            async with asyncio.timeout(_MEASURE_TIMEOUT_S):
                await asyncio.to_thread(_try_to_write, self._root)
        except OSError as error:
            if error.errno is None:
                return "disk_unavailable"
            return "disk_full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "not_writable"
        return None

    async def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Asks the file system in a thread. A network file system that is gone never answers. Raises: Unavailable."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.to_thread(question)
        except OSError as error:
            raise Unavailable(f"The recordings folder does not answer ({type(error).__name__}).") from None

    def _folders(self) -> Iterator[os.DirEntry[str]]:
        if self._root.is_dir():
            folders = (folder for folder in os.scandir(self._root) if folder.is_dir(follow_symlinks=False))
            yield from (folder for folder in folders if camera_of_path(folder.name))  # beside them, a disk of its own has `lost+found`


def _readable(folder: os.DirEntry[str]) -> list[SegmentFile]:
    """The files of a folder; none where it cannot be read, so that one broken folder does not keep the others."""
    try:
        return _files(folder)
    except OSError as error:
        log.error("recordings_unreadable", folder=folder.name, reason=type(error).__name__)
        return []


def _files(folder: os.DirEntry[str] | Path) -> list[SegmentFile]:
    files: list[SegmentFile] = []
    entries = list(os.scandir(folder))
    thumbnails = {entry.name.removesuffix(_UNFINISHED) for entry in entries if entry.name.endswith((_THUMBNAIL, _UNFINISHED))}
    for entry in entries:
        path = PurePosixPath(folder.name, entry.name)
        parsed = parse_segment_path(path)
        if parsed is None:
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue  # deleted since it was listed
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        files.append(
            SegmentFile(
                path=path,
                camera_id=parsed[0],
                started_at=parsed[1],
                size_bytes=status.st_size,
                modified_at=modified,
                has_thumbnail=thumbnail_of(path).name in thumbnails,
            )
        )
    return files


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder))
    except FileNotFoundError:
        return []


def _open_new(path: Path) -> BinaryIO:
    path.parent.mkdir(exist_ok=True)
    return path.open("wb")


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _give_up(file: BinaryIO, path: Path) -> None:
    with suppress(OSError):  # what it still holds has no room on a full disk
        file.close()
    path.unlink(missing_ok=True)


def _settle(path: Path, written_s: float) -> None:
    unfinished = path.with_name(path.name + _UNFINISHED)
    os.utime(unfinished, (written_s, written_s))
    unfinished.replace(path)


def _has(path: Path, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes
    except FileNotFoundError:
        return False


def _unfinished(path: PurePosixPath) -> PurePosixPath:
    return path.with_suffix(_THUMBNAIL + _UNFINISHED)


def _put(unfinished: Path, thumbnail: Path, data: bytes) -> None:
    unfinished.write_bytes(data)
    unfinished.replace(thumbnail)


def _sweep(folder: os.DirEntry[str], given_up_s: float) -> int:
    if camera_of_path(folder.name) is None:
        return 0
    paths = [PurePosixPath(folder.name, entry.name) for entry in os.scandir(folder.path)]
    found = {path for path in paths if path.name.endswith((_THUMBNAIL, _THUMBNAIL + _UNFINISHED))}
    recordings = [path for path in paths if parse_segment_path(path) is not None]
    gone = found - {each for path in recordings for each in (thumbnail_of(path), _unfinished(path))}
    received = (path for path in paths if path.suffix == _UNFINISHED and parse_segment_path(path.with_suffix("")) is not None)
    gone |= {path for path in received if _written_s(Path(folder.path, path.name)) < given_up_s}
    for path in gone:
        Path(folder.path, path.name).unlink(missing_ok=True)
    return len(gone)


def _written_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf  # it was put in its place since it was listed


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


def _parts(path: Path) -> Parts:
    with path.open("rb") as file:
        return read_parts(file, os.fstat(file.fileno()).st_size)


def _try_to_write(root: Path) -> None:
    """Raises: OSError."""
    with tempfile.NamedTemporaryFile(dir=root, prefix=".probe-") as probe:
        probe.write(bytes(_PROBE_BYTES))
        probe.flush()
        os.fsync(probe.fileno())


def _sound_marks(path: Path) -> list[int]:
    with path.open("rb") as file:
        return sound_marks(file, os.fstat(file.fileno()).st_size)


def _read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        return os.pread(file.fileno(), size, offset)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
