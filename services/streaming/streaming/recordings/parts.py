"""The parts of a recorded file, found by its box headers: fragmented MP4 as the media server writes it (ISO/IEC 14496-12).

A file is an *init section* (`ftyp`, `moov`) and then *parts* (`moof`, `mdat`) of about a second. A player starts at a key frame only, so
parts are joined to *groups*, each of which begins with a part that holds a key frame. No sample is read. Nothing here trusts the file:
what it reads at once and how much it goes through are bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from gtvision.errors import Invalid

_ENOUGH_MS = 3_000
"""A group is closed at the first key frame from here on: groups of 3 to 6 s where key frames come every 3 s or sooner."""
_MAX_READ = 1_048_576
_MAX_BOXES = 400_000
"""Parts of a second, of the longest file that a media server writes (a day), twice over."""
_MAX_MS = 2**40
_NOT_SYNC = 0x1_0000
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive parts, the first of which holds a key frame. Bytes from the file's beginning; milliseconds from its own 0."""

    offset: int
    size: int
    start_ms: int
    duration_ms: int
    key_ms: int
    """From the group's start to its first key frame."""

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.duration_ms


@dataclass(frozen=True, slots=True)
class Parts:
    """What a file consists of. `codecs` are the sample entries of its init section, video first: `avc1`, `hvc1`, `mp4a`, `Opus`, `ipcm`."""

    init_size: int
    codecs: tuple[str, ...]
    groups: tuple[Group, ...]

    def encoded(self) -> bytes:
        """Returns some seven bytes a group; `decoded` reads them."""
        data = bytearray([_FORMAT])
        _put(data, self.init_size, len(self.codecs))
        for codec in self.codecs:
            data += codec.encode("latin-1")
        _put(data, self.groups[0].offset - self.init_size if self.groups else 0)
        expected = 0
        for group in self.groups:
            late = group.start_ms - expected
            _put(data, group.size, late << 1 if late >= 0 else (-late << 1) - 1, group.duration_ms, group.key_ms)
            expected = group.end_ms
        return bytes(data)

    @classmethod
    def decoded(cls, data: bytes) -> Parts:
        """Raises: Invalid."""
        if not data or data[0] != _FORMAT:
            raise Invalid("These are no parts of a recording.")
        numbers = _Numbers(data, 1)
        init_size, count = numbers.take(), numbers.take()
        codecs = tuple(numbers.word() for _ in range(min(count, len(data))))
        offset, expected = init_size + numbers.take(), 0
        groups = []
        while numbers.at < len(data):
            size, late, duration_ms, key_ms = (numbers.take() for _ in range(4))
            start_ms = expected + (late >> 1 if not late & 1 else -(late + 1 >> 1))
            groups.append(Group(offset, size, start_ms, duration_ms, key_ms))
            offset, expected = offset + size, start_ms + duration_ms
        return cls(init_size, codecs, tuple(groups))


def read_parts(file: BinaryIO, size: int) -> Parts:
    """Returns the parts among the file's first `size` bytes, up to a tear. Of a file that is being written the last group may grow.

    Raises: Invalid, where there is no complete init section with a video track, or what follows is damaged; OSError.
    """
    init: Init | None = None
    groups = _Groups()
    fragment: Fragment | None = None
    for box in top_boxes(file, size):
        if box.kind == b"moov" and init is None:
            init = init_of(body_of(file, box))
            groups.end = init_size = box.end
        elif box.kind == b"moof" and init is not None:
            fragment = fragment_of(body_of(file, box), init)
        elif box.kind == b"mdat" and init is not None and fragment is not None:
            groups.add(box.end, fragment, init.timescale)
            fragment = None
    if init is None:
        raise Invalid("The recording has no complete beginning.")
    return Parts(init_size, init.codecs, tuple(groups.close()))


@dataclass(slots=True)
class _Groups:
    """Groups under way. `end` is where the next part begins: what lies between two parts belongs to the later one."""

    end: int = 0
    _done: list[Group] = field(default_factory=list)
    _offset: int | None = None
    _start: int = 0
    _ticks: int = 0
    _clock: int = 0
    """Where the next part's pictures begin, if it does not say so itself."""
    _key: int = 0
    _timescale: int = 1

    def add(self, end: int, fragment: Fragment, timescale: int) -> None:
        self._timescale = timescale
        begin, self.end = self.end, end
        start = self._clock if fragment.start is None else fragment.start
        if fragment.key is not None and (self._offset is None or self._ms(self._ticks) >= _ENOUGH_MS):
            self._finish(begin)
            self._offset, self._start, self._ticks, self._key = begin, start, 0, start + fragment.key
        self._ticks += fragment.ticks
        self._clock = start + fragment.ticks

    def close(self) -> list[Group]:
        self._finish(self.end)
        return self._done

    def _finish(self, end: int) -> None:
        if self._offset is None:
            return
        start_ms, end_ms = self._ms(self._start), self._ms(self._start + self._ticks)
        if end_ms > _MAX_MS:
            raise Invalid("The recording's times make no sense.")
        self._done.append(Group(self._offset, end - self._offset, start_ms, end_ms - start_ms, self._ms(self._key) - start_ms))

    def _ms(self, ticks: int) -> int:
        return (ticks * 1_000 + self._timescale // 2) // self._timescale


@dataclass(frozen=True, slots=True)
class Box:
    """One box of the file, or of the bytes that it was found in."""

    kind: bytes
    at: int
    """Where its size and kind stand; the kind four bytes later."""
    start: int
    """Of its content."""
    end: int


def top_boxes(file: BinaryIO, size: int, at: int = 0) -> Iterator[Box]:
    """Yields the complete boxes of the file from `at` on, up to the first that is torn or is none: a crash may leave zeros behind."""
    for _ in range(_MAX_BOXES):
        file.seek(at)
        head = file.read(16)
        box = _box_at(head, 0, len(head), at)
        if box is None or box.end > size:
            return
        yield box
        at = box.end
    raise Invalid("The recording has too many boxes.")


def _box_at(data: bytes, at: int, end: int, base: int = 0) -> Box | None:
    """The box that begins there; None for what is none. `base` is where `data` lies in the file."""
    if end - at < 8:
        return None
    length, kind = struct.unpack_from(">I4s", data, at)
    header = 8
    if length == 1 and end - at >= 16:
        [length], header = struct.unpack_from(">Q", data, at + 8), 16
    return Box(kind, base + at, base + at + header, base + at + length) if length >= header else None


def body_of(file: BinaryIO, box: Box) -> bytes:
    """Returns the box's content. Raises: Invalid, where it is larger than any that is read."""
    if box.end - box.start > _MAX_READ:
        raise Invalid("A box of the recording is too large.")
    file.seek(box.start)
    return file.read(box.end - box.start)


def boxes_in(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yields the boxes inside a box. Raises: Invalid, where one leaves it."""
    at, end = start, len(data) if end is None else end
    while end - at >= 8:
        box = _box_at(data, at, end)
        if box is None or box.end > end:
            raise Invalid("A box of the recording is damaged.")
        yield box
        at = box.end


def find_box(data: bytes, outer: Box | None, *kinds: bytes) -> Box | None:
    """The first box on the way of `kinds` below `outer`."""
    for kind in kinds:
        inside = boxes_in(data) if outer is None else boxes_in(data, outer.start, outer.end)
        outer = next((box for box in inside if box.kind == kind), None)
        if outer is None:
            return None
    return outer


def unpack(form: str, data: bytes, at: int) -> tuple[int, ...]:
    """Raises: Invalid, where the bytes end before."""
    if at + struct.calcsize(form) > len(data):
        raise Invalid("A box of the recording is cut short.")
    return struct.unpack_from(form, data, at)


@dataclass(frozen=True, slots=True)
class Init:
    """The video track, and what holds where a part does not say it."""

    track: int
    timescale: int
    codecs: tuple[str, ...]
    duration: int = 0
    flags: int = 0


def init_of(moov: bytes) -> Init:
    """Raises: Invalid, where there is no video track."""
    video: tuple[int, int] | None = None
    codecs: list[str] = []
    for trak in (box for box in boxes_in(moov) if box.kind == b"trak"):
        tkhd, mdhd, hdlr = (find_box(moov, trak, *way) for way in ((b"tkhd",), (b"mdia", b"mdhd"), (b"mdia", b"hdlr")))
        stsd = find_box(moov, trak, b"mdia", b"minf", b"stbl", b"stsd")
        if tkhd is None or mdhd is None or hdlr is None or stsd is None:
            continue
        is_picture = moov[hdlr.start + 8 : hdlr.start + 12] == b"vide"
        entry = moov[stsd.start + 12 : stsd.start + 16].decode("latin-1")
        if len(entry) == 4:
            codecs.insert(0 if is_picture else len(codecs), entry)
        if is_picture and video is None:
            [track] = unpack(">I", moov, tkhd.start + (20 if moov[tkhd.start] == 1 else 12))
            [timescale] = unpack(">I", moov, mdhd.start + (20 if moov[mdhd.start] == 1 else 12))
            video = track, timescale
    if video is None or not video[1]:
        raise Invalid("The recording has no picture.")
    mvex = find_box(moov, None, b"mvex")
    for trex in (box for box in (boxes_in(moov, mvex.start, mvex.end) if mvex else ()) if box.kind == b"trex"):
        track, _, duration, _, flags = unpack(">5I", moov, trex.start + 4)
        if track == video[0]:
            return Init(*video, tuple(codecs), duration, flags)
    return Init(*video, tuple(codecs))


@dataclass(frozen=True, slots=True)
class Fragment:
    """The video of a part, in the track's ticks: its start, its length, and its first key frame from its start."""

    start: int | None
    ticks: int
    key: int | None


def fragment_of(moof: bytes, init: Init) -> Fragment:
    """Raises: Invalid, where the part is damaged."""
    start: int | None = None
    key: int | None = None
    ticks = 0
    for traf in (box for box in boxes_in(moof) if box.kind == b"traf"):
        tfhd = find_box(moof, traf, b"tfhd")
        if tfhd is None:
            continue
        track, duration, flags = _header(moof, tfhd, init)
        if track != init.track:
            continue
        for box in boxes_in(moof, traf.start, traf.end):
            if box.kind == b"tfdt" and start is None:
                [start] = unpack(">Q" if moof[box.start : box.start + 1] == b"\1" else ">I", moof, box.start + 4)
            elif box.kind == b"trun":
                run, first = _run(moof, box, duration, flags)
                key = ticks + first if key is None and first is not None else key
                ticks += run
    return Fragment(start, ticks, key)


def _header(moof: bytes, tfhd: Box, init: Init) -> tuple[int, int, int]:
    """Track, and the duration and flags of its samples that do not say them."""
    present, track = unpack(">2I", moof, tfhd.start)
    duration, flags = init.duration, init.flags
    at = tfhd.start + 8 + (8 if present & 0x1 else 0) + (4 if present & 0x2 else 0)
    if present & 0x8:
        [duration] = unpack(">I", moof, at)
        at += 4
    at += 4 if present & 0x10 else 0
    if present & 0x20:
        [flags] = unpack(">I", moof, at)
    return track, duration, flags


def _run(moof: bytes, trun: Box, duration: int, flags: int) -> tuple[int, int | None]:
    """Length of a run of samples in ticks, and where its first key frame is, or None."""
    present, count = unpack(">2I", moof, trun.start)
    at = trun.start + 8 + (4 if present & 0x1 else 0)
    first = flags
    if present & 0x4:
        [first] = unpack(">I", moof, at)
        at += 4
    fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if present & bit]
    table = moof[at : trun.end]
    if count * len(fields) * 4 > len(table):
        raise Invalid("A run of the recording is cut short.")
    if not present & 0x500:  # all samples alike: their number is only a claim, so that it is not counted through
        key = 0 if not first & _NOT_SYNC else duration if not flags & _NOT_SYNC and count > 1 else None
        return duration * count, key if count else None
    ticks, found = 0, None
    for number, row in enumerate(struct.iter_unpack(f">{len(fields)}I", table[: count * len(fields) * 4])):
        own = row[fields.index(0x400)] if present & 0x400 else first if number == 0 else flags
        if found is None and not own & _NOT_SYNC:
            found = ticks
        ticks += row[0] if present & 0x100 else duration
    return ticks, found


def _put(data: bytearray, *numbers: int) -> None:
    for number in numbers:
        left = number
        while left > 0x7F:
            data.append(left & 0x7F | 0x80)
            left >>= 7
        data.append(left)


@dataclass(slots=True)
class _Numbers:
    data: bytes
    at: int

    def take(self) -> int:
        number = shift = 0
        while self.at < len(self.data) and shift < 70:
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
        raise Invalid("The parts of a recording are damaged.")

    def word(self) -> str:
        self.at += 4
        if self.at > len(self.data):
            raise Invalid("The parts of a recording are damaged.")
        return self.data[self.at - 4 : self.at].decode("latin-1")
