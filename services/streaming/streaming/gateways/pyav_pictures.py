"""Pictures of recorded files, decoded by PyAV (ffmpeg's libraries), which holds no lock of the interpreter while it decodes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeVar

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from gtvision.errors import Invalid, Unavailable
from gtvision.time import Clock

Answer = TypeVar("Answer")

_CODECS = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mjpeg"})
"""What a media server records. The libraries know hundreds more, which nobody needs to be able to send."""
_MAX_SIDE_PX = 8_192
_OPTIONS = {
    "protocol_whitelist": "file",
    "max_pixels": str(_MAX_SIDE_PX**2),
    "threads": "1",
    "probesize": "32",  # the file's header says all there is to know
}
_TIMEOUT_S = 10.0
_THUMBNAIL_WIDTH_PX, _THUMBNAIL_QUALITY = 320, 75


class PyAvPictures:
    """Decodes in threads, `at_once` at most; more wait."""

    def __init__(self, root: Path, clock: Clock, *, at_once: int = 1, timeout_s: float = _TIMEOUT_S) -> None:
        """`root` is the recordings folder; `timeout_s` is what one picture may take."""
        self._root, self._clock, self._timeout_s = root, clock, timeout_s
        self._free = asyncio.Semaphore(at_once)

    async def thumbnail(self, path: PurePosixPath) -> bytes:
        """Returns the first key frame of a recorded file as a small JPEG. Raises: Invalid, where there is none; OSError, Unavailable."""
        return await self._ask(lambda until: _thumbnail(self._root / path, until))

    async def _ask(self, decode: Callable[[Callable[[], None]], Answer]) -> Answer:
        """Decodes in a thread, which is given a check that raises once its time is over. Raises: Unavailable."""
        async with self._free:
            ends_at = self._clock.monotonic() + self._timeout_s

            def check() -> None:
                if self._clock.monotonic() > ends_at:
                    raise Invalid("The picture takes too long to decode.")

            try:
                async with asyncio.timeout(self._timeout_s + 1):
                    return await asyncio.to_thread(decode, check)
            except TimeoutError:
                raise Unavailable("The recordings folder does not answer.") from None


def _thumbnail(path: Path, check: Callable[[], None]) -> bytes:
    with path.open("rb") as file, _opened(file, {"fflags": "ignidx"}) as (container, stream):  # without a look at the whole file
        for packet in container.demux(stream):
            check()
            if not packet.is_keyframe or packet.pts is None:
                continue
            frames = [*stream.codec_context.decode(packet), *stream.codec_context.decode(None)]
            if not frames:
                break
            return _jpeg(frames[0], _THUMBNAIL_WIDTH_PX, _THUMBNAIL_QUALITY)
    raise Invalid("The recording has no key frame that can be decoded.")


@contextmanager
def _opened(file: BinaryIO, options: dict[str, str]) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Opens a recorded file. Raises: Invalid, also for what goes wrong while it is open."""
    try:
        with av.open(file, mode="r", format="mp4", options=_OPTIONS | options) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            if context.codec.canonical_name not in _CODECS:
                raise Invalid("The recording's codec is not one of those that are decoded.")
            if max(context.width, context.height) > _MAX_SIDE_PX:
                raise Invalid("The recording's pictures are too large.")
            context.thread_count = 1
            context.options = {"max_pixels": _OPTIONS["max_pixels"]}
            yield container, stream
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:  # a damaged file leads the reader beyond its ends
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
