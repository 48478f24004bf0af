"""Where a recorded file has its sound, so that it can be sent without: the boxes of sound become `free`, and every offset stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Final

from streaming.recordings.parts import body_of, boxes_in, find_box, top_boxes, unpack

FREE: Final = b"free"
"""The kind of a box that players pass by (ISO/IEC 14496-12, 8.1.2)."""


def sound_marks(file: BinaryIO, size: int) -> list[int]:
    """Returns where the kinds of the boxes stand that are about other tracks than video. Raises: Invalid, OSError."""
    marks: list[int] = []
    pictures: set[int] = set()
    for box in top_boxes(file, size):
        if box.kind == b"moov":
            data = body_of(file, box)
            for trak in (each for each in boxes_in(data) if each.kind == b"trak"):
                tkhd, hdlr = find_box(data, trak, b"tkhd"), find_box(data, trak, b"mdia", b"hdlr")
                if tkhd is not None and hdlr is not None and data[hdlr.start + 8 : hdlr.start + 12] == b"vide":
                    pictures.update(unpack(">I", data, tkhd.start + (20 if data[tkhd.start] == 1 else 12)))
                else:
                    marks.append(box.start + trak.at + 4)
        elif box.kind == b"moof":
            data = body_of(file, box)
            for traf in (each for each in boxes_in(data) if each.kind == b"traf"):
                tfhd = find_box(data, traf, b"tfhd")
                if tfhd is None or unpack(">I", data, tfhd.start + 4)[0] not in pictures:
                    marks.append(box.start + traf.at + 4)
    return marks


def silent(data: bytes, offset: int, marks: Sequence[int]) -> bytes:
    """Returns bytes of a file, from `offset` on, without its sound."""
    changed = bytearray(data)
    for mark in marks:
        begin, end = max(mark - offset, 0), min(mark - offset + len(FREE), len(data))
        if begin < end:
            changed[begin:end] = FREE[begin + offset - mark : end + offset - mark]
    return bytes(changed)
