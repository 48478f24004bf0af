"""Reads the fragmented-MP4 recordings that the stand-in and MediaMTX write: header, duration, and pictures with their times."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from media_standin.fmp4 import Sample
from media_standin.h264 import CLOCK_RATE

MAX_HEADER_BYTES = 1024 * 1024
_NOT_SYNC = 0x00010000


class Damaged(ValueError):
    """The file is not a recording that can be read."""


@dataclass(slots=True)
class Header:
    """`ftyp` and `moov` as they are in the file, and what they tell."""

    sps: bytes
    pps: bytes
    milliseconds: int
    """0 in a file that was not closed cleanly."""
    size: int
    track_id: int
    timescale: int


@dataclass(slots=True)
class Run:
    """The video samples of one `moof`."""

    base_ticks: int
    """90 kHz, from the start of the file."""
    samples: list[Sample]

    @property
    def end_ticks(self) -> int:
        return self.base_ticks + sum(sample.duration for sample in self.samples)


def read_header(file: BinaryIO) -> Header:
    """Raises Damaged."""
    file.seek(0)
    for kind, start, size in _boxes(file):
        if kind == b"moov":
            if size > MAX_HEADER_BYTES:
                raise Damaged("moov is too large")
            file.seek(start + 8)
            return _read_moov(file.read(size - 8), start + size)
    raise Damaged("moov box not found")


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Top-level boxes that are complete: kind, offset, size."""
    at = file.tell()
    end = file.seek(0, 2)
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size < 8 or at + size > end:
            return
        yield kind, at, size
        at += size


def _children(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            raise Damaged(f"box {kind!r} is cut off")
        yield kind, data[at + 8 : at + size]
        at += size


def _read_moov(data: bytes, size: int) -> Header:
    milliseconds = 0
    for kind, content in _children(data):
        if kind == b"mvhd":
            timescale, units = struct.unpack_from(">II", content, 12)
            milliseconds = units * 1000 // timescale if timescale else 0
        elif kind == b"trak":
            boxes = dict(_flat(content))
            if b"avcC" in boxes:
                sps, pps = _parameters(boxes[b"avcC"])
                track_id = struct.unpack_from(">I", boxes[b"tkhd"], 12)[0]
                timescale = struct.unpack_from(">I", boxes[b"mdhd"], 12)[0]
                return Header(sps, pps, milliseconds, size, track_id, timescale or CLOCK_RATE)
    raise Damaged("the recording has no H264 track")


_CONTAINERS = {b"mdia", b"minf", b"stbl"}


def _flat(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of a track that matter, whatever they are nested in. Version 0 of tkhd and mdhd is what recorders write."""
    for kind, content in _children(data):
        if kind in _CONTAINERS:
            yield from _flat(content)
        elif kind == b"stsd":
            for entry, inside in _children(content[8:]):
                if entry == b"avc1":
                    yield from _children(inside[78:])
        else:
            yield kind, content


def _parameters(content: bytes) -> tuple[bytes, bytes]:
    length = struct.unpack_from(">H", content, 6)[0]
    sps = content[8 : 8 + length]
    at = 8 + length + 1
    length = struct.unpack_from(">H", content, at)[0]
    return sps, content[at + 2 : at + 2 + length]


def runs(file: BinaryIO, header: Header) -> Iterator[Run]:
    """Every complete fragment with its data, in order; a last one that was cut off by a crash is left out. Raises Damaged."""
    file.seek(header.size)
    moof = b""
    for kind, start, size in _boxes(file):
        file.seek(start + 8)
        if kind == b"moof":
            moof = file.read(size - 8)
            moof_at = start
        elif kind == b"mdat" and moof:
            yield _read_run(moof, header, file.read(size - 8), start + 8 - moof_at)
            moof = b""


def _read_run(moof: bytes, header: Header, data: bytes, data_offset: int) -> Run:
    for kind, content in _children(moof):
        if kind != b"traf":
            continue
        boxes = dict(_children(content))
        if struct.unpack_from(">I", boxes[b"tfhd"], 4)[0] != header.track_id:
            continue
        version = boxes[b"tfdt"][0]
        base = struct.unpack_from(">Q" if version else ">I", boxes[b"tfdt"], 4)[0]
        samples = _read_samples(boxes[b"trun"], boxes[b"tfhd"], data, data_offset, header.timescale)
        return Run(base * CLOCK_RATE // header.timescale, samples)
    return Run(0, [])


def _read_samples(trun: bytes, tfhd: bytes, data: bytes, data_offset: int, timescale: int) -> list[Sample]:
    flags, count = struct.unpack_from(">I", trun, 0)[0] & 0xFFFFFF, struct.unpack_from(">I", trun, 4)[0]
    default_duration, default_size, default_flags = _defaults(tfhd)
    at, position, first_flags = 8, 0, None
    if flags & 0x1:
        position = struct.unpack_from(">i", trun, at)[0] - data_offset
        at += 4
    if flags & 0x4:
        first_flags = struct.unpack_from(">I", trun, at)[0]
        at += 4
    present = [mark for mark in (0x100, 0x200, 0x400, 0x800) if flags & mark]
    samples: list[Sample] = []
    for index in range(count):
        values = dict(zip(present, struct.unpack_from(f">{len(present)}I", trun, at), strict=True))
        at += 4 * len(present)
        size = values.get(0x200, default_size)
        marks = first_flags if index == 0 and first_flags is not None else values.get(0x400, default_flags)
        ticks = values.get(0x100, default_duration) * CLOCK_RATE // timescale
        samples.append(Sample(data[position : position + size], ticks, not marks & _NOT_SYNC))
        position += size
    return samples


def _defaults(tfhd: bytes) -> tuple[int, int, int]:
    flags = struct.unpack_from(">I", tfhd, 0)[0] & 0xFFFFFF
    at = 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0)
    values: list[int] = []
    for mark in (0x8, 0x10, 0x20):
        if flags & mark:
            values.append(struct.unpack_from(">I", tfhd, at)[0])
            at += 4
        else:
            values.append(0)
    return values[0], values[1], values[2]


def seconds(path: Path) -> tuple[Header, float]:
    """Header and length of a recording; of one that was not closed, the sum of its parts. Raises Damaged, OSError."""
    with path.open("rb") as file:
        header = read_header(file)
        if header.milliseconds:
            return header, header.milliseconds / 1000
        end = max((run.end_ticks for run in runs(file, header)), default=0)
        return header, end / CLOCK_RATE
