"""Nouns of recordings: `files` on the disk, and the `segments` that the index knows."""

from streaming.recordings.domain.files import (
    CameraFiles,
    Look,
    SegmentFile,
    Status,
    begin_of,
    instant_of,
    is_dated,
    microseconds,
    parse_segment_path,
    stem_of,
    thumbnail_of,
)
from streaming.recordings.domain.segments import GENESIS, Pictures, Segment, Undeleted, next_link, segment_id_of, span

__all__ = [
    "GENESIS",
    "CameraFiles",
    "Look",
    "Pictures",
    "Segment",
    "SegmentFile",
    "Status",
    "Undeleted",
    "begin_of",
    "instant_of",
    "is_dated",
    "microseconds",
    "next_link",
    "parse_segment_path",
    "segment_id_of",
    "span",
    "stem_of",
    "thumbnail_of",
]
