"""A very small fragmented-MP4 writer for one H264 track, shared by recordings, HLS and playback (ISO/IEC 14496-12 and -15).

A file is `initialisation()` followed by any number of `fragment()`s; cutting it off after any fragment leaves a playable file.
It is written by hand because the muxer of libav copies each picture three times more: with it recording (R11) cost a fifth more CPU.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from media_standin.h264 import CLOCK_RATE, read_picture

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_KEY_FLAGS = 0x02000000
"""sample_depends_on = 2: needs no other sample."""
_DELTA_FLAGS = 0x01010000
"""sample_depends_on = 1, sample_is_non_sync_sample = 1."""
_MOVIE_TIMESCALE = 1000


@dataclass(slots=True)
class Sample:
    """One picture in AVCC form (NAL units with four-byte lengths)."""

    data: bytes
    duration: int
    """Ticks of 90 kHz."""
    key: bool


def _box(kind: bytes, *parts: bytes) -> bytes:
    """One box: size, type, content."""
    return b"".join((struct.pack(">I4s", 8 + sum(map(len, parts)), kind), *parts))


def _full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with version and flags."""
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


def initialisation(sps: bytes, pps: bytes) -> bytes:
    """`ftyp` and `moov`. Raises ValueError for a damaged parameter set."""
    ftyp = _box(b"ftyp", b"mp42", struct.pack(">I", 1), b"mp41mp42isomhlsf")
    times = struct.pack(">IIIIIHH8x", 0, 0, _MOVIE_TIMESCALE, 0, 0x10000, 0x100, 0)
    mvhd = _full_box(b"mvhd", 0, 0, times, _MATRIX, bytes(24), struct.pack(">I", 0xFFFFFFFF))
    mvex = _box(b"mvex", _full_box(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, 0)))
    return ftyp + _box(b"moov", mvhd, _track(sps, pps), mvex)


def duration_offset(header: bytes) -> int:
    """Where the whole file's duration (milliseconds, 32 bits) stands in a header. Raises ValueError where there is none."""
    return header.index(b"mvhd") + 20


def _track(sps: bytes, pps: bytes) -> bytes:
    picture = read_picture(sps, pps)
    ids = struct.pack(">IIIII8xhhhH", 0, 0, 1, 0, 0, 0, 0, 0, 0)
    tkhd = _full_box(b"tkhd", 0, 3, ids, _MATRIX, struct.pack(">II", picture.width_px << 16, picture.height_px << 16))
    mdhd = _full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, CLOCK_RATE, 0, 0x55C4, 0))
    hdlr = _full_box(b"hdlr", 0, 0, bytes(4), b"vide", bytes(12), b"VideoHandler\x00")
    dinf = _box(b"dinf", _full_box(b"dref", 0, 0, struct.pack(">I", 1), _full_box(b"url ", 0, 1)))
    sets = struct.pack(f">4BBBH{len(sps)}sBH{len(pps)}s", 1, *sps[1:4], 0xFF, 0xE1, len(sps), sps, 1, len(pps), pps)
    entry = struct.pack(">6xH16xHHIIIH32xHh", 1, picture.width_px, picture.height_px, 0x480000, 0x480000, 0, 1, 24, -1)
    stsd = _full_box(b"stsd", 0, 0, struct.pack(">I", 1), _box(b"avc1", entry, _box(b"avcC", sets)))
    tables = [_full_box(kind, 0, 0, bytes(size)) for kind, size in ((b"stts", 4), (b"stsc", 4), (b"stsz", 8), (b"stco", 4))]
    minf = _box(b"minf", _full_box(b"vmhd", 0, 1, bytes(8)), dinf, _box(b"stbl", stsd, *tables))
    return _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, minf))


def fragment(sequence: int, base_ticks: int, samples: Sequence[Sample]) -> bytes:
    """`moof` and `mdat` of some samples; `base_ticks` is the decode time of the first, from the start of the file."""
    run: list[int] = []
    for sample in samples:
        run += (sample.duration, len(sample.data), _KEY_FLAGS if sample.key else _DELTA_FLAGS)
    mfhd = _full_box(b"mfhd", 0, 0, struct.pack(">I", sequence))
    tfhd = _full_box(b"tfhd", 0, 0x020000, struct.pack(">I", 1))
    tfdt = _full_box(b"tfdt", 1, 0, struct.pack(">Q", base_ticks))
    data_offset = 8 + len(mfhd) + 8 + len(tfhd) + len(tfdt) + 20 + 4 * len(run) + 8
    trun = _full_box(b"trun", 0, 0x000701, struct.pack(f">{2 + len(run)}I", len(samples), data_offset, *run))
    moof = _box(b"moof", mfhd, _box(b"traf", tfhd, tfdt, trun))
    size = 8 + sum(len(sample.data) for sample in samples)
    return b"".join((moof, struct.pack(">I4s", size, b"mdat"), *[sample.data for sample in samples]))
