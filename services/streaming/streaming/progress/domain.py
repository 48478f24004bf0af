"""What is written of a camera, look by look, held against the time that passes. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gtvision.events import StreamCause
from streaming.progress.parts import Growth
from streaming.recordings.domain import SegmentFile

LATELY = timedelta(seconds=60)
"""So much of the past is judged."""
_PAUSE = timedelta(seconds=10)
"""Where nothing was written for so long the recording has stopped, which is noticed elsewhere."""
_KEYLESS = timedelta(seconds=10.5)
"""Cameras that save bits send a key frame each ten seconds, which is well."""
_MISSING, _COMPLETE = timedelta(seconds=15), timedelta(seconds=5)
"""An ordinary reconnection costs seven seconds or so, which is no ailment."""
_JUMP = timedelta(seconds=1.9)
"""MediaMTX writes nothing for two seconds after a jump, then up to the next key frame. Files that follow each other have no such hole."""
_FORWARD = timedelta(seconds=5)
"""After a jump forward the last picture of a file lasts until after the next file began."""
_UNSEEN = timedelta(seconds=30)
"""After so long without a look files have come and gone that nobody has read to their ends."""
_AN_INSTANT = timedelta(milliseconds=100)


@dataclass(slots=True)
class Written:
    """One camera's recording while it is expected to be written. `advanced_at` is when there were more pictures last."""

    advanced_at: datetime | None = None
    _file: SegmentFile | None = None
    _growth: Growth = field(default_factory=Growth)
    _before: timedelta = timedelta(0)
    """How long the file before had no key frame."""
    _keyless_at: datetime | None = None
    """When key frames were too far apart last: where a camera varies how often it sends them, not each interval is too long."""
    _jumped: tuple[datetime, datetime] | None = None
    """Where the recording broke off last, and when that was seen."""
    _total: timedelta = timedelta(0)
    _looks: deque[tuple[datetime, timedelta]] = field(default_factory=deque)
    _is_unsteady: bool = False

    @property
    def has_jumped(self) -> bool:
        """Whether the recording broke off lately and went on in another file."""
        return self._jumped is not None

    def excuse(self) -> None:
        """It broke off for another reason than the camera's."""
        self._jumped = None

    def look(self, grown: Iterable[tuple[SegmentFile, Growth]], now: datetime) -> None:
        """Learns how far the files have grown that were written lately, as read at `now`. What the first look finds was written before."""
        is_unseen = bool(self._looks) and now - self._looks[-1][0] >= _UNSEEN
        if is_unseen:
            self._file, self._growth = None, Growth()
            self._looks.clear()
        if self._jumped is not None and now - self._jumped[1] >= LATELY:
            self._jumped = None
        before, is_first = self._total, not self._looks
        for file, growth in sorted(grown, key=lambda each: each[0].started_at):
            if self._file is None or file.started_at > self._file.started_at:
                self._begin(file, now)
            elif file.path != self._file.path:
                continue
            self._total += growth.pictures - self._growth.pictures
            self._file, self._growth = file, growth
        if self._file is not None and (is_unseen or (not is_first and self._total - before >= _AN_INSTANT)):
            if self.advanced_at is None or now - self.advanced_at >= _PAUSE:
                self._looks.clear()
            self.advanced_at = self._file.modified_at
        self._looks.append((now, self._total))
        while now - self._looks[0][0] > LATELY:
            self._looks.popleft()

    def _begin(self, file: SegmentFile, now: datetime) -> None:
        if self._file is not None and self._growth.begin is not None:
            ended_at = self._file.started_at + self._growth.length
            hole = file.started_at - ended_at
            self._before = self._growth.keyless
            if _JUMP < hole < _PAUSE or hole < -_FORWARD:
                self._jumped = min(ended_at, self._file.modified_at), now
                self._before, self._keyless_at = timedelta(0), None  # the jump may have lasted longer than ten seconds
        self._growth = Growth()

    def ailment(self, now: datetime) -> tuple[StreamCause, datetime] | None:
        """What is wrong with what is written, and since when. `now` is when the files were looked for, shortly before they were read."""
        if self.advanced_at is None or now - self.advanced_at >= _PAUSE:
            return None
        (begun, total), (read_at, _) = self._looks[0], self._looks[-1]
        missing = read_at - begun - (self._total - total)
        self._is_unsteady = missing >= (_COMPLETE if self._is_unsteady else _MISSING)
        if self._is_unsteady:
            return StreamCause.CLOCK_UNSTEADY, begun
        keyless = self._growth.keyless if self._growth.interval else max(self._growth.keyless, self._before)
        if keyless > _KEYLESS:
            self._keyless_at = read_at
        if self._keyless_at is not None and read_at - self._keyless_at < LATELY:
            return StreamCause.NO_KEYFRAMES, read_at - keyless
        if self._jumped is not None:
            return StreamCause.CLOCK_JUMPED, self._jumped[0]
        return None
