"""Recorded files to one MP4, by copying their packets: nothing is decoded or encoded."""

from __future__ import annotations

import errno
import hashlib
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from streaming.clips.domain import CannotCut, Failure, Made, NoRoom, Piece, Span, Stopped, joined

_AUDIO = frozenset({"aac", "mp3", "opus", "ac3"})
"""Sound that an MP4 holds and players play."""
_STILL_S = 10
"""A longer pause between two pictures of one file is a freeze or a leap of the camera's clock."""
_CHUNK = 4_194_304


class _Format(NamedTuple):
    """What all pictures of one MP4 have in common."""

    codec: str
    width: int
    height: int
    parameters: bytes

    def __str__(self) -> str:
        return f"{self.codec} {self.width}x{self.height}"


class _Sound(NamedTuple):
    """What all sound of one MP4 has in common."""

    codec: str
    rate: int
    parameters: bytes
    base: Fraction


@dataclass(frozen=True, slots=True)
class _Source:
    """A piece, its format, and the key frame that it is copied from (in ticks of its video)."""

    piece: Piece
    format: _Format
    audio: _Sound | None
    base: Fraction
    """Seconds of a tick."""
    pts: int
    dts: int


class _Time:
    """A file's timestamps as instants and as places in the result, in ticks of its video.

    Pauses are closed in the result. The wall clock goes on in a freeze, and not where only the camera's clock leapt: then the timestamps
    lie beyond the time at which the file was written.
    """

    def __init__(self, piece: Piece, base: Fraction) -> None:
        self._piece, self._base = piece, base
        self._still = int(_STILL_S / base)
        self._last: int | None = None
        self.step = 0
        self.closed = 0
        self._leapt = 0

    def passes(self, packet: Packet[Any]) -> bool:
        """Takes the file's next picture. Returns whether it follows a pause in which the wall clock went on."""
        dts = packet.dts or 0
        last, self._last = self._last, dts
        if last is None:
            self.step = packet.duration or 0
            return False
        ahead = dts - last
        if 0 < ahead <= self._still:
            self.step = ahead
            return False
        self.closed += ahead - self.step
        if self.at(dts) <= self._piece.ends_at:
            return True
        self._leapt += ahead - self.step
        return False

    def shortened(self, duration: int) -> int:
        """How long a picture stays in the result: the one before a pause no longer than the others."""
        return duration if duration <= self._still else self.step

    def at(self, ticks: int) -> datetime:
        return self._piece.started_at + timedelta(seconds=float((ticks - self._leapt) * self._base))

    def shown(self, ticks: int) -> datetime:
        """As `at`, and no later than the file can show anything."""
        return min(self.at(ticks), self._piece.ends_at)

    @property
    def end(self) -> int:
        """Where its last picture ends, in its own ticks."""
        return (self._last or 0) + self.step


class _Copy:
    """What is taken of one file, and where it goes in the result."""

    def __init__(self, source: _Source, span: Span, begin: Fraction, heard: int) -> None:
        """`begin` is where its first picture goes, in seconds of the result; `heard` is where the last sound is, in ticks of the result."""
        self._source, self._span, self._begin, self.heard = source, span, begin, heard
        self._time = _Time(source.piece, source.base)
        self._first: datetime | None = None
        self._shown: datetime | None = None
        self._has_begun = False
        self._closed_before = 0
        """Ticks that were closed in what is not copied."""
        self._ends_at: int | None = None
        """The first picture after the range, in ticks."""
        self.spans: list[Span] = []

    def takes_picture(self, packet: Packet[Any]) -> bool:
        """Gives a picture its place. False where it lies before the key frame, or behind the range."""
        pts, dts = packet.pts, packet.dts
        if pts is None or dts is None or self._ends_at is not None:
            return False
        paused = self._time.passes(packet)
        if not self._has_begun:
            if pts != self._source.pts:
                return False
            self._has_begun, self._closed_before = True, self._time.closed
        at = self._time.shown(pts)
        if self._time.at(dts) >= self._span.until:
            self._ends_at = dts
            return False
        if paused or self._first is None:
            self._end_span()
            self._first = at
        self._shown = max(self._shown or at, self._time.shown(pts + self._time.step))
        if pts < self._source.pts:  # a picture that leads up to the key frame, made of earlier ones
            return False
        shift = round(self._begin / self._source.base) - self._source.dts - self._closed
        packet.pts, packet.dts = pts + shift, dts + shift
        packet.duration = self._time.shortened(packet.duration or 0)
        return True

    def takes_sound(self, packet: Packet[Any]) -> bool:
        """Gives sound its place. False where it lies before the first picture, behind the range, or where there is sound already."""
        pts, dts, base = packet.pts, packet.dts, packet.time_base
        if pts is None or dts is None or pts * base < self._source.pts * self._source.base:
            return False
        if self._ends_at is not None and pts * base >= self._ends_at * self._source.base:
            return False
        shift = round((self._begin - (self._source.dts + self._closed) * self._source.base) / base)
        if dts + shift <= self.heard:
            return False
        packet.pts, packet.dts = pts + shift, dts + shift
        self.heard = dts + shift
        return True

    def is_over(self, packet: Packet[Any]) -> bool:
        """Whether nothing of the range follows: sound comes a little behind its pictures."""
        if self._ends_at is None or packet.dts is None:
            return False
        return packet.dts * packet.time_base >= self._ends_at * self._source.base + 1

    def end(self) -> Fraction:
        """Returns where the next file's first picture goes, in seconds of the result."""
        self._end_span()
        if not self._has_begun:
            return self._begin
        return self._begin + (self._time.end - self._closed - self._source.dts) * self._source.base

    @property
    def _closed(self) -> int:
        return self._time.closed - self._closed_before if self._has_begun else 0

    def _end_span(self) -> None:
        if self._first is not None and self._shown is not None:
            self.spans.append(Span(self._first, max(self._first, self._shown)))
        self._first = self._shown = None


class Cut:
    """One cut: `run` in a thread, and watch it from outside."""

    def __init__(self, root: Path, target: Path, pieces: Sequence[Piece], span: Span, *, max_bytes: int, free_floor: float) -> None:
        """`root` is the recordings folder; `target` is removed where the cut fails. That share of its disk (0..1) stays free."""
        self._root, self.target, self._pieces, self._span = root, target, pieces, span
        self._max_bytes, self._free_floor = max_bytes, free_floor
        self._stop = threading.Event()
        self._wanted = sum(piece.wanted_bytes(span.until) for piece in pieces)
        self._spans: list[Span] = []
        self._position = Fraction(0)
        """Seconds of the result that are written."""
        self._heard = -1
        """Where the last sound of the result lies, in its ticks."""
        self._written = 0
        self.bytes_read = 0

    @property
    def progress(self) -> float:
        """0..1, by bytes read of those to be read."""
        return min(1.0, self.bytes_read / self._wanted) if self._wanted else 0.0

    @property
    def bytes_left(self) -> int:
        """How much of the disk it will still take, at most."""
        return max(0, self._wanted - self._written)

    def stop(self) -> None:
        """Has `run` raise Stopped at its next packet."""
        self._stop.set()

    def run(self) -> Made:
        """Blocks. Raises: CannotCut, NoRoom, Stopped, OSError."""
        self._check_room()
        try:
            sources = self._sources()
            self._copy_all(sources)
            size, sha256 = self._measure()
        except BaseException as error:
            self.target.unlink(missing_ok=True)
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise NoRoom(self._wanted) from error
            raise
        audio = next((source.audio for source in sources if source.audio), None)
        return Made(size, sha256, tuple(joined(self._spans)), str(sources[0].format), audio.codec if audio else None)

    def _check_room(self) -> None:
        if not self._wanted:
            raise CannotCut(Failure.NO_RECORDING)
        if self._wanted - self._pieces[0].size_bytes > self._max_bytes:  # of the first file only the end may be kept
            raise CannotCut(Failure.TOO_LARGE)
        disk = shutil.disk_usage(self.target.parent)
        if disk.free < self._wanted + int(disk.total * self._free_floor):
            raise NoRoom(self._wanted)

    def _sources(self) -> list[_Source]:
        """Raises: CannotCut, where nothing can be played, or not in one file."""
        found: list[_Source] = []
        for piece in self._pieces:
            source = self._source(piece)
            if source is None:
                continue
            if found and source.format != found[0].format:
                raise CannotCut(Failure.FORMAT_CHANGED, source.piece.started_at)
            found.append(source)
        if not found:
            raise CannotCut(Failure.NO_RECORDING)
        sound = next((source.audio for source in found if source.audio), None)
        # a file whose sound is another, which one track cannot hold, is shown without
        return [source if source.audio == sound else replace(source, audio=None) for source in found]

    def _source(self, piece: Piece) -> _Source | None:
        """Finds the last key frame at or before the range, or else the first one in it. None where nothing of the range is in the file."""
        key: tuple[int, int] | None = None
        reaches = False
        with _opened(self._root / piece.path) as opened:
            if opened is None:
                return None
            video, audio = _streams(opened)
            base = video.time_base or Fraction(1, 90_000)
            time = _Time(piece, base)
            for packet in self._packets(opened, [video]):
                if packet.pts is None:
                    continue
                time.passes(packet)
                at = time.at(packet.pts)
                if at >= self._span.until:
                    break
                if packet.is_keyframe and (key is None or at <= self._span.since):
                    key = packet.pts, packet.dts or 0
                reaches = reaches or time.at(packet.pts + max(1, time.step)) > self._span.since
                if key and reaches:
                    break
            if key is None or not reaches:
                return None
            return _Source(piece, _format(video), _sound(audio), base, *key)

    def _packets(self, opened: InputContainer, streams: list[VideoStream | AudioStream]) -> Iterator[Packet[Any]]:
        """Every whole packet. The last part of a file that is being written, or was cut short, may be torn: what is before it counts."""
        with suppress(av.FFmpegError):
            for packet in opened.demux(streams):
                if self._stop.is_set():
                    raise Stopped
                if packet.is_corrupt:
                    return
                if packet.dts is not None:
                    yield packet

    def _copy_all(self, sources: Sequence[_Source]) -> None:
        # faststart: the table of contents comes first, so that a browser plays it while it loads
        output = av.open(str(self.target), "w", format="mp4", options={"movflags": "+faststart"})
        try:
            tracks = self._tracks(output, sources)
            for source in sources:
                self._copy(source, output, tracks)
            if not self._spans:
                raise CannotCut(Failure.NO_RECORDING)
        except BaseException:
            self.target.unlink(missing_ok=True)  # its end cannot be written then, and need not be waited for
            with suppress(av.FFmpegError, OSError):
                output.close()
            raise
        output.close()

    def _tracks(self, output: OutputContainer, sources: Sequence[_Source]) -> tuple[VideoStream, AudioStream | None]:
        """Makes the result's streams after the first file, and after the first that has sound."""
        with _opened(self._root / sources[0].piece.path) as opened:
            if opened is None:
                raise CannotCut(Failure.NO_RECORDING)
            video = output.add_stream_from_template(opened.streams.video[0])
            if sources[0].format.codec == "hevc":
                video.codec_context.codec_tag = "hvc1"  # Apple's players know no other
        heard = next((source for source in sources if source.audio), None)
        if heard is None:
            return video, None
        with _opened(self._root / heard.piece.path) as opened:
            audio = _streams(opened)[1] if opened else None
            return video, output.add_stream_from_template(audio) if audio else None

    def _copy(self, source: _Source, output: OutputContainer, tracks: tuple[VideoStream, AudioStream | None]) -> None:
        """Copies what the range holds of a file, from its key frame on."""
        with _opened(self._root / source.piece.path) as opened:
            if opened is None:
                return  # deleted since it was looked at: its time becomes a gap
            video, audio = _streams(opened)
            hears = tracks[1] is not None and source.audio is not None and audio is not None
            copy = _Copy(source, self._span, self._position, self._heard)
            for packet in self._packets(opened, [video, audio] if hears and audio else [video]):
                self.bytes_read += packet.size
                is_picture = packet.stream is video
                track = tracks[0] if is_picture else tracks[1]
                if track is not None and (copy.takes_picture(packet) if is_picture else copy.takes_sound(packet)):
                    self._write(packet, track, output)
                elif copy.is_over(packet):
                    break
            self._position, self._heard = copy.end(), copy.heard
            self._spans += copy.spans

    def _write(self, packet: Packet[Any], track: VideoStream | AudioStream, output: OutputContainer) -> None:
        self._written += packet.size
        if self._written > self._max_bytes:
            raise CannotCut(Failure.TOO_LARGE)
        packet.stream = track
        output.mux(packet)

    def _measure(self) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        with self.target.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if self._stop.is_set():
                    raise Stopped
                digest.update(chunk)
                size += len(chunk)
        return size, digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer | None]:
    """Yields None where there is nothing to be read: the file is gone, or has no picture yet."""
    try:
        opened = av.open(str(path), format="mp4", options={"protocol_whitelist": "file"})
    except (av.FFmpegError, OSError):
        yield None
        return
    with opened:
        yield opened if opened.streams.video and _codec(opened.streams.video[0]) else None


def _codec(stream: VideoStream | AudioStream) -> str:
    """Returns the codec's name; empty where there is no decoder for it."""
    return getattr(stream.codec_context, "name", "")


def _streams(opened: InputContainer) -> tuple[VideoStream, AudioStream | None]:
    audio = next((stream for stream in opened.streams.audio if _codec(stream) in _AUDIO), None)
    return opened.streams.video[0], audio


def _format(video: VideoStream) -> _Format:
    context = video.codec_context
    return _Format(context.name, context.width, context.height, bytes(context.extradata or b""))


def _sound(audio: AudioStream | None) -> _Sound | None:
    if audio is None or audio.time_base is None:
        return None
    context = audio.codec_context
    return _Sound(context.name, context.sample_rate, bytes(context.extradata or b""), audio.time_base)
