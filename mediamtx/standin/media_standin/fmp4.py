"""A very small fragmented-MP4 writer for one H264 track, shared by recordings and HLS (ISO/IEC 14496-12 and -15).

A file is `initialisation()` followed by any number of `fragment()`s; cutting it off after any fragment leaves a playable file.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from media_standin.h264 import CLOCK_RATE, SpsInfo, read_sps

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_KEY_FLAGS = 0x02000000
"""sample_depends_on = 2: needs no other sample."""
_DELTA_FLAGS = 0x01010000
"""sample_depends_on = 1, sample_is_non_sync_sample = 1."""
MOVIE_TIMESCALE = 1000
DURATION_AT = 24
"""Where mvhd's duration sits, counted from the start of the mvhd box."""


@dataclass(slots=True)
class Sample:
    """One picture in AVCC form (NAL units with four-byte lengths)."""

    data: bytes
    duration: int
    """Ticks of 90 kHz."""
    key: bool


def box(kind: bytes, *parts: bytes) -> bytes:
    """One box: size, type, content."""
    size = 8 + sum(map(len, parts))
    return b"".join((struct.pack(">I4s", size, kind), *parts))


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def initialisation(sps: bytes, pps: bytes, user_data: bytes = b"") -> bytes:
    """`ftyp` and `moov`. `user_data` is the content of `moov/udta`. Raises ValueError for a damaged parameter set."""
    info = read_sps(sps)
    ftyp = box(b"ftyp", b"mp42", struct.pack(">I", 1), b"mp41mp42isomhlsf")
    mvhd = full_box(
        b"mvhd",
        0,
        0,
        struct.pack(">IIII", 0, 0, MOVIE_TIMESCALE, 0),
        struct.pack(">IHH8x", 0x10000, 0x100, 0),
        _MATRIX,
        bytes(24),
        struct.pack(">I", 0xFFFFFFFF),
    )
    trex = full_box(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, 0))
    moov = box(b"moov", mvhd, _track(info, sps, pps), box(b"mvex", trex), *([box(b"udta", user_data)] if user_data else []))
    return ftyp + moov


def duration_offset(init: bytes) -> int:
    """Byte offset of mvhd's duration (milliseconds, 32 bits) in a file that starts with `init`."""
    return init.index(b"mvhd") - 4 + DURATION_AT


def _track(info: SpsInfo, sps: bytes, pps: bytes) -> bytes:
    tkhd = full_box(
        b"tkhd",
        0,
        3,
        struct.pack(">IIIII8xhhhH", 0, 0, 1, 0, 0, 0, 0, 0, 0),
        _MATRIX,
        struct.pack(">II", info.width_px << 16, info.height_px << 16),
    )
    mdhd = full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, CLOCK_RATE, 0, 0x55C4, 0))
    hdlr = full_box(b"hdlr", 0, 0, bytes(4), b"vide", bytes(12), b"VideoHandler\x00")
    dinf = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    empty = bytes(4)
    stbl = box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), _avc1(info, sps, pps)),
        full_box(b"stts", 0, 0, empty),
        full_box(b"stsc", 0, 0, empty),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, empty),
    )
    minf = box(b"minf", full_box(b"vmhd", 0, 1, bytes(8)), dinf, stbl)
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf))


def _avc1(info: SpsInfo, sps: bytes, pps: bytes) -> bytes:
    avcc = box(
        b"avcC",
        bytes((1, sps[1], sps[2], sps[3], 0xFF, 0xE1)),
        struct.pack(">H", len(sps)),
        sps,
        struct.pack(">BH", 1, len(pps)),
        pps,
    )
    entry = struct.pack(">6xH16xHHIIIH32xHh", 1, info.width_px, info.height_px, 0x480000, 0x480000, 0, 1, 24, -1)
    return box(b"avc1", entry, avcc)


def fragment(sequence: int, base_ticks: int, samples: Sequence[Sample]) -> bytes:
    """`moof` and `mdat` of some samples; `base_ticks` is the decode time of the first, from the start of the file."""
    count = len(samples)
    run: list[int] = []
    for sample in samples:
        run += (sample.duration, len(sample.data), _KEY_FLAGS if sample.key else _DELTA_FLAGS)
    trun_size = 20 + 12 * count
    traf_size = 8 + 16 + 20 + trun_size
    moof_size = 8 + 16 + traf_size
    header = struct.pack(
        f">I4s I4sII I4s I4sII I4sIQ I4sIII {3 * count}I",
        moof_size,
        b"moof",
        16,
        b"mfhd",
        0,
        sequence,
        traf_size,
        b"traf",
        16,
        b"tfhd",
        0x020000,
        1,
        20,
        b"tfdt",
        0x01000000,
        base_ticks,
        trun_size,
        b"trun",
        0x000701,
        count,
        moof_size + 8,
        *run,
    )
    size = 8 + sum(len(sample.data) for sample in samples)
    return b"".join((header, struct.pack(">I4s", size, b"mdat"), *[sample.data for sample in samples]))
