"""The judge of rules: compares sightings with a condition. `alerts` judges what comes in by it, and `ingest` what was stored: one and the
same code, so that a dry run tells what would have been. Pure: no I/O, no clock.

Classes, confidence, plate, colour, zone and schedule are asked of each sighting alone. A line, a dwell and a count need to know which
sightings are of one thing: a small tracker joins those of one class at one camera by their foot points. At one picture a second it takes
a close follower for its leader now and then, and what moves through the picture within one second is never seen on both sides of a line.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from math import hypot
from operator import attrgetter, itemgetter
from uuid import UUID

from gtvision.geometry import Place, in_polygon
from gtvision.rules import Direction, Line, RuleCondition, Schedule, Sighting

# --- the tracker -------------------------------------------------------------------------------------------------------

_SOON_S, _SOON_REACH = 4.0, 0.3
"""So much of the picture a thing may be off from where its last movement leads, between pictures so close in time."""
_KEPT_S = 65.0
"""A picture in which nothing moves is sent every 30 s only (GRABBER_KEEP_ALIVE_S): what stands still is remembered over two of them."""
_TRACKS = 64
"""Things of a camera that are followed at once; the one not seen for longest makes room."""
_CAMERAS = 20_000
_first, _when = itemgetter(0), attrgetter("at")


@dataclass(slots=True, eq=False)
class _Track:
    object_class: str
    x: float
    y: float
    at: float
    since: float
    dx: float = 0.0
    dy: float = 0.0
    done: set[Direction] = field(default_factory=set)

    def move(self, x: float, y: float, at: float) -> None:
        passed = at - self.at
        self.dx, self.dy = ((x - self.x) / passed, (y - self.y) / passed) if passed <= _SOON_S else (0.0, 0.0)
        self.x, self.y, self.at = x, y, at


@dataclass(slots=True)
class _Camera:
    """What is remembered of a camera: the things that are followed, and those that were counted."""

    tracks: list[_Track] = field(default_factory=list)
    at: float = 0.0
    counted: OrderedDict[_Track, float] = field(default_factory=OrderedDict)

    def follow(self, frame: list[Sighting], at: float) -> list[tuple[Sighting, _Track, Place | None]]:
        """Returns of each sighting of a picture the track, and where that was before, if it was seen before."""
        if len(self.tracks) > 4:
            self.tracks = [each for each in self.tracks if at - each.at <= _KEPT_S]
        found: list[tuple[Sighting, _Track, Place | None]] = []
        taken = set()
        pairs = list(self._pairs(frame, at))
        for _, index, track in sorted(pairs, key=_first) if len(pairs) > 1 else pairs:
            if index not in taken and track.at < at:
                taken.add(index)
                seen, before = frame[index], (track.x, track.y)
                track.move(seen.x, seen.y, at)
                found.append((seen, track, before))
        for index, seen in enumerate(frame):
            if index not in taken:
                self.tracks.append(track := _Track(seen.object_class, seen.x, seen.y, at, at))
                found.append((seen, track, None))
        if len(self.tracks) > _TRACKS:
            self.tracks = sorted(self.tracks, key=_when)[-_TRACKS:]
        return found

    def _pairs(self, frame: list[Sighting], at: float) -> Iterator[tuple[float, int, _Track]]:
        """Yields what may be one thing: how far it is off, which sighting, which track."""
        for track in self.tracks:
            passed = at - track.at
            if not 0 < passed <= _KEPT_S:
                continue
            soon = passed <= _SOON_S
            x, y = (track.x + track.dx * passed, track.y + track.dy * passed) if soon else (track.x, track.y)
            for index, seen in enumerate(frame):
                if track.object_class == seen.object_class:
                    off = hypot(x - seen.x, y - seen.y)
                    if off <= (_SOON_REACH if soon else 0.02 + 0.15 * seen.width):
                        yield off, index, track

    def count(self, track: _Track, at: float, within_s: float) -> int:
        """Returns how many things were counted within the time, with this one."""
        self.counted[track] = at
        self.counted.move_to_end(track)
        while at - next(iter(self.counted.values())) > within_s or len(self.counted) > 1_000:
            self.counted.popitem(last=False)
        return len(self.counted)


# --- the judge ---------------------------------------------------------------------------------------------------------


class Judge:
    """Compares sightings with one condition; remembers what it needs of each camera, within bounds.

    Which cameras it is about is the caller's to know (`RuleCondition.watches`). What is older than the newest of its camera joins no track.
    """

    def __init__(self, condition: RuleCondition, zone: tzinfo, holidays: frozenset[date] = frozenset()) -> None:
        self.condition, self.holidays, self.zone = condition, holidays, zone
        self._cameras: dict[UUID, _Camera] = {}
        self._minute: tuple[float, bool] = (-1.0, False)
        self.follows = bool(condition.line or condition.dwell_s or condition.count)

    def judge(self, sightings: Iterable[Sighting]) -> list[Sighting]:
        """Returns the sightings that fulfil the condition, by time. Sightings of one camera come about in order of time."""
        fitting = sorted(filter(self._fits, sightings), key=_when)
        if not self.follows:
            return fitting
        cameras: dict[UUID, list[list[Sighting]]] = {}
        for seen in fitting:
            frames = cameras.setdefault(seen.camera_id, [])
            if frames and frames[-1][0].at == seen.at:
                frames[-1].append(seen)
            else:
                frames.append([seen])
        hits = [hit for camera_id, frames in cameras.items() for hit in self._follow(self._camera(camera_id), frames)]
        return sorted(hits, key=_when)

    def _fits(self, seen: Sighting) -> bool:
        asked = self.condition
        if (asked.classes and seen.object_class not in asked.classes) or seen.confidence < asked.min_confidence:
            return False
        if asked.plate is not None and not _reads(asked.plate, seen.plate):
            return False
        if asked.colours and seen.colour not in asked.colours:
            return False
        if asked.zone and not in_polygon((seen.x, seen.y), asked.zone.points):
            return False
        return asked.schedule is None or self._holds(asked.schedule, seen.at)

    def _holds(self, schedule: Schedule, at: float) -> bool:
        minute = at // 60
        if minute != self._minute[0]:
            self._minute = minute, schedule.holds(datetime.fromtimestamp(at, self.zone), self.holidays)
        return self._minute[1]

    def _camera(self, camera_id: UUID) -> _Camera:
        camera = self._cameras.get(camera_id)
        if camera is None:
            if len(self._cameras) >= _CAMERAS:
                del self._cameras[next(iter(self._cameras))]
            camera = self._cameras[camera_id] = _Camera()
        return camera

    def _follow(self, camera: _Camera, frames: list[list[Sighting]]) -> Iterator[Sighting]:
        asked = self.condition
        for frame in frames:
            if (at := frame[0].at) < camera.at:
                continue
            camera.at = at
            for seen, track, before in camera.follow(frame, at):
                if asked.line and not _crosses(asked.line, track, before):
                    continue
                if asked.dwell_s and not _dwells(asked.dwell_s, track, once=not asked.count):
                    continue
                if asked.count is None or camera.count(track, at, asked.count.within_s) >= asked.count.at_least:
                    yield seen


def _reads(wanted: str, plate: str | None) -> bool:
    if wanted == "none" or plate is None:
        return wanted == "none" and plate is None
    return wanted == "any" or plate.startswith(wanted)


def _crosses(line: Line, track: _Track, before: Place | None) -> bool:
    """Whether the thing has just crossed the line the wanted way, for the first time: one that trembles on it crosses once."""
    way = line.crossed(before, (track.x, track.y)) if before else None
    if way is None or way in track.done or line.direction not in {Direction.ANY, way}:
        return False
    track.done.add(way)
    return True


def _dwells(dwell_s: int, track: _Track, *, once: bool) -> bool:
    """Whether the thing has been there for so long; with `once`, only the first time."""
    if track.at - track.since < dwell_s or (once and track.done):
        return False
    track.done.add(Direction.ANY)
    return True


class Grouping:
    """Which hits are one alert: those of a camera that lie closer than the cooldown to the one before."""

    def __init__(self, cooldown: timedelta) -> None:
        self._cooldown_s = cooldown.total_seconds()
        self._latest: dict[UUID, float] = {}

    def is_new(self, hit: Sighting) -> bool:
        """Whether it begins a new alert."""
        latest = self._latest.get(hit.camera_id)
        self._latest[hit.camera_id] = hit.at if latest is None else max(latest, hit.at)
        return latest is None or abs(hit.at - latest) >= self._cooldown_s
