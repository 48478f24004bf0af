"""The folder that the media server records into."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import math
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeVar
from uuid import UUID

import av

from chassis.logs import get_logger
from gtvision.camera import camera_of_path, path_name
from gtvision.errors import Invalid, Unavailable
from streaming.gateways.camera_folder import RECORDING, THUMBNAIL, UNFINISHED, CameraFolder, Seen, all_files
from streaming.playback.parts import sound_marks
from streaming.progress.parts import Growth, read_on
from streaming.recordings.domain import CameraFiles, Pictures, begin_of, microseconds, parse_segment_path, thumbnail_of
from streaming.recordings.parts import Parts, read_parts

Answer = TypeVar("Answer")

_MEASURE_TIMEOUT_S = 30.0
log = get_logger(__name__)

_PROBE_BYTES = 4_000_000
"""About what a camera writes in some seconds: where that has no room, no recording has."""

_CHUNK = 1 << 18
_LONGEST_PICTURE_S = 10
_OF_THUMBNAILS = (THUMBNAIL, THUMBNAIL + UNFINISHED)
_GIVEN_UP_AFTER = timedelta(hours=1)
"""A file that is being received is written to all the time."""


class RecordingsFolder:
    """Files under one folder, in MediaMTX's layout `cam_<id>/<date and time>.mp4`. Disk work happens in threads."""

    def __init__(self, root: Path, *, timeout_s: float = 120.0) -> None:
        """`timeout_s` is how long the file system may take to list one folder, or to delete one file."""
        self._root, self._timeout_s = root, timeout_s
        self._known: dict[UUID, CameraFolder] = {}

    async def scan(self, now: datetime) -> dict[UUID, CameraFiles]:
        """The recorded files, by camera, as they are at an instant. The first look asks for each, the others for what changed.

        A folder that cannot be read is as it was, so that one that is broken does not keep the others. Raises: Unavailable.
        """
        here = await self._ask(lambda: dict(self._folders()))
        self._known = {camera_id: known for camera_id, known in self._known.items() if camera_id in here}
        for camera_id, path in here.items():
            folder = self._known.setdefault(camera_id, CameraFolder(path, camera_id))
            seen = await self._ask(partial(_look, folder, path, now))
            if seen is not None:
                folder.learn(seen, now)
        return {camera_id: folder.files for camera_id, folder in self._known.items()}

    async def names(self, camera_id: UUID) -> list[str]:
        """What the folder of a camera holds, in order: recordings and thumbnails begin with their instant. Raises: Unavailable."""
        return await self._ask(partial(_names, self._root / path_name(camera_id)))

    async def of_camera(self, camera_id: UUID) -> CameraFiles:
        """One camera's recorded files, each asked for anew. Raises: Unavailable."""
        return await self._ask(partial(_of_camera, self._root / path_name(camera_id), camera_id))

    async def check(self, camera_id: UUID) -> CameraFiles:
        """As `of_camera`. The next look knows which files are not what they were before. Raises: Unavailable."""
        files = await self.of_camera(camera_id)
        folder = self._known.get(camera_id)
        if folder is not None:
            folder.files.correct(await asyncio.to_thread(folder.files.differing, files))
        return files

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

    async def growths(self, known: Mapping[PurePosixPath, Growth]) -> dict[PurePosixPath, Growth]:
        """How far the files have grown, of which `known` was read before. Without those that cannot be read. Raises: Unavailable."""
        return await self._ask(partial(_growths, self._root, known))

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

    async def chunks(self, path: PurePosixPath) -> AsyncGenerator[bytes, None]:
        """The content, in chunks. Raises: OSError."""
        file = await self._step(lambda: (self._root / path).open("rb"))
        try:
            while chunk := await self._step(partial(file.read, _CHUNK)):
                yield chunk
        finally:
            await asyncio.shield(asyncio.to_thread(file.close))  # an upload that ends early may be cancelled twice

    async def _step(self, step: Callable[[], Answer]) -> Answer:
        async with asyncio.timeout(_MEASURE_TIMEOUT_S):
            return await asyncio.to_thread(step)

    async def receive(self, path: PurePosixPath, chunks: AsyncIterator[bytes]) -> PurePosixPath:
        """Writes the content of a recorded file beside its place, where no look finds it, and returns where.

        Nothing is left of what did not come whole. Raises: Unavailable.
        """
        unfinished = path.with_name(path.name + UNFINISHED)
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
        if (found := self._find(path)) is not None:
            found[0].deleted(found[1])

    async def begin_thumbnail(self, path: PurePosixPath) -> None:
        """Notes on the disk that a thumbnail is tried: a file that ends the process that decodes it does so once. Raises: Unavailable."""
        await self._ask((self._root / _unfinished(path)).touch)
        if (found := self._find(path)) is not None:
            found[0].files.without_thumbnail.discard(found[1])

    async def put_thumbnail(self, path: PurePosixPath, jpeg: bytes) -> None:
        """Stores the thumbnail of a recorded file: whole, or not at all. Raises: Unavailable."""
        await self._ask(partial(_put, self._root / _unfinished(path), self._root / thumbnail_of(path), jpeg))

    async def sweep(self, now: datetime) -> int:
        """Removes thumbnails that have no recording, unfinished ones too, and what a process that was killed had begun to receive.

        Returns how many. A folder that cannot be read is left out. Raises: Unavailable.
        """
        folders, removed = await self._ask(lambda: dict(self._folders())), 0
        for path in folders.values():
            try:
                removed += await self._ask(partial(_sweep, path, (now - _GIVEN_UP_AFTER).timestamp()))
            except Unavailable as error:
                log.error("thumbnails_not_swept", folder=path.name, reason=error.message)
        return removed

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

    def _find(self, path: PurePosixPath) -> tuple[CameraFolder, int] | None:
        """The folder of a recorded file, and the instant in the file's name."""
        parsed = parse_segment_path(path)
        folder = self._known.get(parsed[0]) if parsed else None
        return (folder, microseconds(parsed[1])) if folder and parsed else None

    def _folders(self) -> Iterator[tuple[UUID, Path]]:
        if self._root.is_dir():
            with os.scandir(self._root) as entries:
                for entry in entries:
                    camera = camera_of_path(entry.name)  # beside them, a disk of its own has `lost+found`
                    if camera and entry.name == path_name(UUID(camera)) and entry.is_dir(follow_symlinks=False):
                        yield UUID(camera), Path(entry.path)


def _look(folder: CameraFolder, path: Path, now: datetime) -> Seen | None:
    """None where the folder cannot be read."""
    try:
        return folder.look(now)
    except OSError as error:
        log.error("recordings_unreadable", folder=path.name, reason=type(error).__name__)
        return None


def _of_camera(folder: Path, camera_id: UUID) -> CameraFiles:
    return all_files(folder, camera_id) if folder.is_dir() else CameraFiles(camera_id)


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
    unfinished = path.with_name(path.name + UNFINISHED)
    os.utime(unfinished, (written_s, written_s))
    unfinished.replace(path)


def _has(path: Path, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes
    except FileNotFoundError:
        return False


def _unfinished(path: PurePosixPath) -> PurePosixPath:
    return path.with_suffix(THUMBNAIL + UNFINISHED)


def _put(unfinished: Path, thumbnail: Path, data: bytes) -> None:
    unfinished.write_bytes(data)
    unfinished.replace(thumbnail)


def _sweep(folder: Path, given_up_s: float) -> int:
    names = set(os.listdir(folder))  # noqa: PTH208 - 100,000 paths cost more than the list
    gone = []
    for name in names:
        stem, suffix = name[:26], name[26:]
        if begin_of(stem) is None:
            continue
        is_orphan = suffix in _OF_THUMBNAILS and stem + RECORDING not in names
        is_given_up = suffix == RECORDING + UNFINISHED and _written_s(folder / name) < given_up_s
        if is_orphan or is_given_up:
            gone.append(name)
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    return len(gone)


def _written_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf  # it was put in its place since it was listed


def _pictures(path: Path) -> Pictures:
    """Where the video lies, by reading every packet (nothing is decoded).

    The last fragment of a file that was cut short by a crash may be torn; what is before it counts. A last picture that lasts for long is
    one after which the camera stood still: the media server lets it last until the next file's first.
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
                    took = packet.duration or packet.pts - last
                    step = took if not step or took * base <= _LONGEST_PICTURE_S else step
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


def _growths(root: Path, known: Mapping[PurePosixPath, Growth]) -> dict[PurePosixPath, Growth]:
    found: dict[PurePosixPath, Growth] = {}
    for path, growth in known.items():
        with suppress(OSError, Invalid), (root / path).open("rb") as file:
            found[path] = read_on(file, os.fstat(file.fileno()).st_size, growth)
    return found


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
