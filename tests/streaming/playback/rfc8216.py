"""A validator of media playlists by the rules of RFC 8216, as far as they concern recorded files in byte ranges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

_TAGS = {
    *("#EXTM3U", "#EXT-X-VERSION", "#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-PLAYLIST-TYPE", "#EXT-X-MAP"),
    *("#EXT-X-DISCONTINUITY", "#EXT-X-PROGRAM-DATE-TIME", "#EXTINF", "#EXT-X-BYTERANGE", "#EXT-X-ENDLIST"),
}
_MAP = re.compile(r'URI="([^"\r\n]+)",BYTERANGE="(\d+)@(\d+)"')
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True)
class Segment:
    """A media segment. `at` is told, or follows from the segment before (4.3.2.6)."""

    uri: str
    offset: int
    size: int
    duration_s: float
    at: datetime
    init: tuple[str, int]
    begins: bool
    """After a discontinuity, or the first."""


@dataclass(frozen=True)
class MediaPlaylist:
    """What a valid playlist says."""

    kind: str
    target_s: int
    is_ended: bool
    segments: list[Segment]

    @property
    def stretches(self) -> list[tuple[datetime, datetime]]:
        """From and to of what follows on without a gap of more than a tenth of a second."""
        found: list[tuple[datetime, datetime]] = []
        for segment in self.segments:
            end = segment.at + timedelta(seconds=segment.duration_s)
            if found and abs(segment.at - found[-1][1]) < timedelta(seconds=0.1):
                found[-1] = found[-1][0], end
            else:
                found.append((segment.at, end))
        return found


def validated(text: str, sizes: dict[str, int] | None = None) -> MediaPlaylist:
    """Returns what the playlist says. Raises AssertionError, where a rule is broken. `sizes`: of the files, where they are known."""
    assert text.endswith("\n"), "4.1: lines end"
    assert "\r" not in text
    lines = text.splitlines()
    assert lines[0] == "#EXTM3U", "4.3.1.1: the first line"
    assert all(line.partition(":")[0] in _TAGS for line in lines if line.startswith("#")), "an unknown tag, or a comment"
    once = {name: [line.partition(":")[2] for line in lines if line.partition(":")[0] == name] for name in _TAGS}
    for name in ("#EXT-X-VERSION", "#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-PLAYLIST-TYPE"):
        assert len(once[name]) == 1, f"{name} stands once"
    assert int(once["#EXT-X-VERSION"][0]) >= 6, "7: EXT-X-MAP in a playlist of media segments"
    target_s, kind = int(once["#EXT-X-TARGETDURATION"][0]), once["#EXT-X-PLAYLIST-TYPE"][0]
    is_ended = bool(once["#EXT-X-ENDLIST"])
    assert kind in {"VOD", "EVENT"}
    assert is_ended or kind == "EVENT", "4.3.3.5: a VOD playlist does not change"
    segments = _segments(lines[1:])
    assert segments
    for segment in segments:
        assert int(segment.duration_s + 0.5) <= target_s, "4.3.3.1: no segment is longer than the target duration"
        assert segment.init[0] == segment.uri, "each file has its own init section"
        assert segment.offset >= segment.init[1], "samples come after the init section"
        assert sizes is None or segment.offset + segment.size <= sizes[segment.uri], "the range lies in the file"
    for before, after in pairwise(segments):
        if before.uri != after.uri:
            assert after.begins, "4.3.2.3: other timestamps and another init section come after a discontinuity"
        else:
            assert after.offset >= before.offset + before.size, "ranges do not overlap"
    return MediaPlaylist(kind, target_s, is_ended, segments)


def _segments(lines: list[str]) -> list[Segment]:
    found: list[Segment] = []
    init: tuple[str, int] | None = None
    told: datetime | None = None
    duration_s: float | None = None
    place: tuple[int, int] | None = None
    begins = True
    for line in lines:
        name, _, value = line.partition(":")
        if name == "#EXT-X-DISCONTINUITY":
            assert found, "there is nothing before it"
            begins = True
        elif name == "#EXT-X-MAP":
            match = _MAP.fullmatch(value)
            assert match, value
            assert match[3] == "0"
            init = match[1], int(match[2])
        elif name == "#EXT-X-PROGRAM-DATE-TIME":
            assert _INSTANT.fullmatch(value), value
            told = datetime.fromisoformat(value)
        elif name == "#EXTINF":
            assert re.fullmatch(r"\d+\.\d{3},", value), "4.3.2.1: a decimal, and a comma"
            duration_s = float(value[:-1])
        elif name == "#EXT-X-BYTERANGE":
            match = re.fullmatch(r"(\d+)@(\d+)", value)
            assert match, value
            place = int(match[1]), int(match[2])
        elif not line.startswith("#"):
            assert duration_s is not None, "4.3.2.1: EXTINF is required for each segment"
            assert place is not None
            assert init is not None, "4.3.2.5: EXT-X-MAP comes first"
            assert told or not begins, "an instant at each discontinuity"
            at = told or found[-1].at + timedelta(seconds=found[-1].duration_s)
            found.append(Segment(line, place[1], place[0], duration_s, at, init, begins))
            told, duration_s, place, begins = None, None, None, False
    assert duration_s is None
    assert place is None
    return found
