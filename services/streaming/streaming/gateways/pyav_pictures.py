"""Pictures of recorded files, decoded by PyAV (ffmpeg's libraries), which holds no lock of the interpreter while it decodes."""

from __future__ import annotations

import asyncio
import io
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeVar, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from gtvision.errors import Invalid, Unavailable
from gtvision.time import Clock
from streaming.recordings.parts import Group, Parts, read_parts
from streaming.snapshots.domain import Picture, Wanted

IsLate = Callable[[], bool]
Answer = TypeVar("Answer")

_CODECS = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mjpeg"})
"""What a media server records. The libraries know hundreds more, which nobody needs to be able to send."""
_MAX_SIDE_PX, _MAX_PIXELS = 8_192, 40_000_000
"""A picture of 8K has 33 million, and takes 300 MB while it is decoded and drawn."""
_OPTIONS = {
    "protocol_whitelist": "file",
    "max_pixels": str(_MAX_PIXELS),
    "threads": "1",
    "probesize": "32",  # the file's header says all there is to know
}
_TIMEOUT_S = 10.0
_THUMBNAIL_WIDTH_PX, _THUMBNAIL_QUALITY = 320, 75
_STILL_QUALITY = 90
_MAX_READ = 64_000_000
"""Of a group of parts: some 3 s of video, and its key frame is at the beginning."""
_MAX_FRAMES = 300
_MAX_KNOWN = 16
_MICROSECOND = timedelta(microseconds=1)


class PyAvPictures:
    """Decodes in threads, `at_once` at most; so many more may wait."""

    def __init__(self, root: Path, clock: Clock, *, at_once: int = 1, waiting: int = 8, timeout_s: float = _TIMEOUT_S) -> None:
        """`root` is the recordings folder; `timeout_s` is what one picture may take."""
        self._root, self._clock, self._timeout_s = root, clock, timeout_s
        self._free, self._room = asyncio.Semaphore(at_once), at_once + waiting
        self._known: OrderedDict[tuple[PurePosixPath, int, int | None], Picture] = OrderedDict()
        """The last pictures, by file, key frame and width."""

    async def thumbnail(self, path: PurePosixPath) -> bytes:
        """Returns the first key frame of a recorded file as a small JPEG.

        Raises: Invalid, where there is none; OSError; Unavailable, also where too many wait.
        """
        return await self._ask(lambda is_late: _thumbnail(self._root / path, is_late))

    async def still(self, path: PurePosixPath, wanted: Wanted) -> Picture | None:
        """Returns the picture of a recorded file; None where it shows nothing so early. Raises: as `thumbnail`."""
        return await self._ask(lambda is_late: self._still(path, wanted, is_late))

    async def _ask(self, decode: Callable[[IsLate], Answer]) -> Answer:
        """Decodes in a thread, which is told when its time is over. Raises: Unavailable."""
        if self._room == 0:
            raise Unavailable("Too many pictures are asked for at once.")
        self._room -= 1
        try:
            async with self._free, asyncio.timeout(self._timeout_s + 1):
                ends_at = self._clock.monotonic() + self._timeout_s
                return await asyncio.to_thread(decode, lambda: self._clock.monotonic() > ends_at)
        except TimeoutError:
            raise Unavailable("The recordings folder does not answer.") from None
        finally:
            self._room += 1

    def _still(self, path: PurePosixPath, wanted: Wanted, is_late: IsLate) -> Picture | None:
        with (self._root / path).open("rb") as file:
            parts = read_parts(file, os.fstat(file.fileno()).st_size)
            for group in _groups_at(parts, wanted.offset):
                with _opened(_excerpt(file, parts, group), {}) as (container, stream):
                    packets = _packets(container, stream, wanted.offset, is_late)
                    if packets:
                        return self._picture(path, stream, packets, wanted, is_late)
        return None

    def _picture(
        self, path: PurePosixPath, stream: VideoStream, packets: Sequence[Packet[VideoStream]], wanted: Wanted, is_late: IsLate
    ) -> Picture:
        """Raises: Invalid."""
        place = path, packets[0].pts or 0, wanted.width
        if not wanted.exact and place in self._known:
            self._known.move_to_end(place)
            return self._known[place]
        frame = _decoded(stream, packets if wanted.exact else packets[:1], wanted.offset, is_late)
        at = timedelta(seconds=float((frame.pts or 0) * _base(stream)))
        picture = Picture(_jpeg(frame, wanted.width, _STILL_QUALITY), at)
        if not wanted.exact:
            self._known[place] = picture
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        return picture


def _thumbnail(path: Path, is_late: IsLate) -> bytes:
    with path.open("rb") as file, _opened(file, {"fflags": "ignidx"}) as (container, stream):  # without a look at the whole file
        for packet in container.demux(stream):
            if is_late():
                break
            if packet.is_keyframe and packet.pts is not None:
                return _jpeg(_decoded(stream, [packet], None, is_late), _THUMBNAIL_WIDTH_PX, _THUMBNAIL_QUALITY)
    raise Invalid("The recording has no key frame.")


def _groups_at(parts: Parts, offset: timedelta | None) -> Sequence[Group]:
    """Where the last key frame at or before `offset` is: in the last group that begins by then, or in the one before."""
    groups = [group for group in parts.groups if offset is None or group.start_ms <= offset // timedelta(milliseconds=1)]
    return groups[:-3:-1]


def _excerpt(file: BinaryIO, parts: Parts, group: Group) -> BinaryIO:
    """The group with the file's init section before it: a small film, whose timestamps are those of the file. Raises: Invalid."""
    if parts.init_size > _MAX_READ:
        raise Invalid("The beginning of the recording is too large.")
    file.seek(0)
    beginning = file.read(parts.init_size)
    file.seek(group.offset)
    return io.BytesIO(beginning + file.read(min(group.size, _MAX_READ)))


def _packets(container: InputContainer, stream: VideoStream, offset: timedelta | None, is_late: IsLate) -> list[Packet[VideoStream]]:
    """The last key frame that is shown at or before `offset`, and what follows it until then; nothing where there is none."""
    limit = _limit(stream, offset)
    found: list[Packet[VideoStream]] = []
    for packet in container.demux(stream):
        if packet.pts is None or packet.dts is None:
            continue
        if is_late() or packet.dts > limit:
            break
        if packet.is_keyframe and packet.pts <= limit:
            found = [packet]
        elif found and len(found) < _MAX_FRAMES:
            found.append(packet)
    return found


def _decoded(stream: VideoStream, packets: Sequence[Packet[VideoStream]], offset: timedelta | None, is_late: IsLate) -> VideoFrame:
    """The last frame that is shown at or before `offset`; where the time is over, the last one until then. Raises: Invalid."""
    limit, last = _limit(stream, offset), None
    for packet in (*packets, None):
        for frame in stream.codec_context.decode(packet):
            if frame.pts is not None and frame.pts <= limit and (last is None or last.pts is None or frame.pts > last.pts):
                last = frame
        if is_late():
            break
    if last is None:
        raise Invalid("The recording has no key frame that can be decoded.")
    return last


def _limit(stream: VideoStream, offset: timedelta | None) -> float | Fraction:
    """The last timestamp that counts; an instant that was rounded to the microsecond finds its own frame again."""
    return float("inf") if offset is None else (offset + _MICROSECOND) // _MICROSECOND / (_base(stream) * 1_000_000)


def _base(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, 90_000)


@contextmanager
def _opened(file: BinaryIO, options: dict[str, str]) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Opens a recorded file. Raises: Invalid, also for what goes wrong while it is open."""
    try:
        with av.open(file, mode="r", format="mp4", options=_OPTIONS | options) as container:
            stream = container.streams.video[0]
            context = cast("VideoCodecContext | None", stream.codec_context)  # None for a codec that the libraries do not know
            if context is None or context.codec.canonical_name not in _CODECS:
                raise Invalid("The recording's codec is not one of those that are decoded.")
            if max(context.width, context.height) > _MAX_SIDE_PX or context.width * context.height > _MAX_PIXELS:
                raise Invalid("The recording's pictures are too large.")
            context.thread_count = 1
            context.options = {"max_pixels": _OPTIONS["max_pixels"]}
            yield container, stream
    except (av.FFmpegError, OSError, ValueError, IndexError, OverflowError) as error:  # a damaged file leads the reader beyond its ends
        raise Invalid(f"The recording cannot be decoded ({type(error).__name__}).") from None


def _jpeg(frame: VideoFrame, width: int | None, quality: int) -> bytes:
    """Returns the frame upright, `width` pixels wide if it is wider, as a JPEG."""
    lies = frame.rotation % 180 != 0
    scale = min(1.0, width / (frame.height if lies else frame.width)) if width else 1.0
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    small = frame.reformat(*size, format="rgb24", interpolation="AREA", threads=1)
    picture: Image.Image = small.to_image()  # type: ignore[no-untyped-call] # PyAV's stubs leave it out
    if frame.rotation:
        picture = picture.rotate(frame.rotation, expand=True)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=quality)
    return data.getvalue()
