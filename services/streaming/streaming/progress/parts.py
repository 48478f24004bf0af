"""How far a file that is being written has grown, by the boxes that were added since it was looked at last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import BinaryIO

from streaming.recordings.parts import Fragment, Init, body_of, fragment_of, init_of, top_boxes

_LONGEST_PART_S = 10
"""A part is of about a second. Where the camera's clock jumps, its last picture would last as long as the jump."""
_LATEST_S = 60
"""A file may begin with sound, up to the camera's next key frame."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What a file holds up to its byte `end`. Ticks are those of its video."""

    end: int = 0
    init: Init | None = None
    begin: int | None = None
    """Of the first picture, from the file's own 0: of its first packet, which may be sound. None before there is one."""
    ticks: int = 0
    last_key: int = 0
    interval: int = 0
    """Between the last two key frames, give or take a part."""

    @property
    def pictures(self) -> timedelta:
        """How much video there is, by the file's own clock."""
        return self._time(self.ticks)

    @property
    def length(self) -> timedelta:
        """From the file's first packet to the end of its video."""
        return self._time((self.begin or 0) + self.ticks)

    @property
    def keyless(self) -> timedelta:
        """How long there was no key frame: since the last one, or between the last two."""
        return self._time(max(self.interval, self.ticks - self.last_key))

    def _time(self, ticks: int) -> timedelta:
        return timedelta(seconds=ticks / self.init.timescale) if self.init else timedelta(0)

    def with_part(self, fragment: Fragment, init: Init, end: int) -> Growth:
        longest = _LONGEST_PART_S * init.timescale
        begin = min(fragment.start or 0, _LATEST_S * init.timescale) if self.begin is None else self.begin
        grown = replace(self, end=end, begin=begin, ticks=self.ticks + min(fragment.ticks, longest))
        if fragment.key is None:
            return grown
        key = self.ticks + min(fragment.key, longest)
        return replace(grown, last_key=key, interval=key - self.last_key)


def read_on(file: BinaryIO, size: int, known: Growth) -> Growth:
    """Returns what the file's first `size` bytes hold, of which `known` was read before; nothing of it is read again.

    Raises: Invalid, where it has no video or is damaged; OSError.
    """
    found = known if size >= known.end else Growth()
    fragment: Fragment | None = None
    for box in top_boxes(file, size, found.end):
        if box.kind == b"moov" and found.init is None:
            found = replace(found, init=init_of(body_of(file, box)), end=box.end)
        elif box.kind == b"moof" and found.init is not None:
            fragment = fragment_of(body_of(file, box), found.init)
        elif box.kind == b"mdat" and found.init is not None and fragment is not None:
            found, fragment = found.with_part(fragment, found.init, box.end), None
    return found
