"""What has to go, and when. Pure: no I/O, no clock.

How long a recording is kept: the days of its camera, or those of its city (`retention.video_days`) where they are fewer.
How much room there is: the city's own (`quotas.storage_gb`), then the installation's (`RECORDINGS_MAX_GB` and the free floor of the disk).
What is held never goes: neither days nor a quota nor a full disk touch it.

**Cities share a short disk fairly (max-min):** the next file to go is the oldest of the city that takes the most room. So no city loses a
recording to a shortage while a city that takes more has one that can go, and one that takes an equal share or less loses nothing to a
city that takes more than that.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice
from operator import attrgetter
from pathlib import PurePosixPath
from uuid import UUID

from gtvision.tenancy import TenantSettings
from streaming.recordings.domain import CameraFiles, Look, SegmentFile, microseconds, parse_segment_path
from streaming.retention.domain.holds import City, HeldSpans
from streaming.streams.domain import DesiredCamera
from streaming.tombstones.domain import Policy, Reason

GIGABYTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the recordings folder may hold."""

    max_bytes: int
    free_floor: float
    """Share of the disk that is kept free, 0..1."""


@dataclass(frozen=True, slots=True)
class CityLimits:
    """What a city decided for its recordings. None: no limit, or not known."""

    video_days: int | None = None
    max_bytes: int | None = None

    @classmethod
    def of(cls, settings: TenantSettings | None) -> CityLimits:
        """Settings that are not known limit nothing: their defaults must not delete what a camera is to keep for longer."""
        if settings is None:
            return cls()
        storage_gb = settings.quotas.storage_gb
        return cls(settings.retention.video_days, None if storage_gb is None else storage_gb * GIGABYTE)


CitySettings = Callable[[UUID], TenantSettings | None]
"""What a city decided; None where the city is not known."""


def limits_of_cities(look: Look, settings: CitySettings) -> dict[UUID, CityLimits]:
    """What the cities of the cameras decided, by tenant."""
    return {tenant_id: CityLimits.of(settings(tenant_id)) for tenant_id in {camera.tenant_id for camera in look.cameras.values()}}


@dataclass(frozen=True, slots=True)
class Doomed:
    """A file that has to go, and why."""

    file: SegmentFile
    policy: Policy


def _none(_: SegmentFile) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Spared:
    """What goes later than its days say, by others than holds."""

    waits: Callable[[SegmentFile], bool] = _none
    """It is copied off-site first, unless its room is needed."""
    stays: Callable[[SegmentFile], bool] = _none
    """It was brought back from off-site for a while: it outlives its days, and goes first where its city has to give room."""
    brought_back: Callable[[], Iterable[PurePosixPath]] = tuple
    """What was brought back, as far as is known; of it, `stays` tells what stays still."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All that decides what goes. `missing_free_bytes` is how much must be freed for the disk's floor, `wanted_bytes` how much beside that,
    for files that others make: where that cannot be had, nothing is wrong."""

    limits: Limits
    missing_free_bytes: int = 0
    cities: Mapping[UUID, CityLimits] = field(default_factory=dict)
    held: HeldSpans = field(default_factory=HeldSpans)
    spared: Spared = field(default_factory=Spared)
    stuck: Callable[[SegmentFile], bool] = _none
    """It cannot be deleted for now: others go first."""
    wanted_bytes: int = 0


@dataclass(frozen=True, slots=True)
class HeldState:
    """What holds do: the bytes that they keep, by city, and where they leave too little room: on the disk, in the cities' own limits."""

    held_bytes: Mapping[City, int] = field(default_factory=dict)
    is_full: bool = False
    full_cities: Collection[City] = ()


def keeping(camera: DesiredCamera, city: CityLimits) -> Policy:
    """How many days a camera's recordings are kept, and by whose rule: the shorter holds, also once the camera was removed."""
    days = camera.recording.retention_days
    if city.video_days is not None and city.video_days < days:
        return Policy(Reason.CITY_DAYS, city.video_days)
    return Policy(Reason.REMOVED if camera.removed else Reason.DAYS, days)


def keep_days(cameras: Mapping[UUID, DesiredCamera], cities: Mapping[UUID, CityLimits]) -> dict[UUID, int]:
    """Of removed cameras too: what they recorded goes as it would have gone."""
    none = CityLimits()
    return {camera_id: int(keeping(camera, cities.get(camera.tenant_id, none)).value) for camera_id, camera in cameras.items()}


def to_delete(look: Look, rules: Rules, most: int) -> tuple[list[Doomed], HeldState]:
    """At most so many files that have to go: first what is too old, then for the cities' own limits, then for the volume and the disk.
    What is held stays.

    The newest file of a camera may be being written: it stays, unless its camera was removed, or nothing was written to it for as long as
    recordings are kept.
    """
    stock = _Stock(look, rules)
    doomed = stock.too_old(most)
    if len(doomed) < most:
        doomed += stock.beyond_city_limits(rules.cities, most - len(doomed))
    if len(doomed) < most:
        doomed += stock.beyond_room(rules, most - len(doomed))
    return doomed, HeldState(stock.held, stock.is_short and bool(stock.held), stock.full_cities)


class _Stock:
    """What may happen to the files of each city. `used` is what each takes without the files that go, held ones included. Looks at no more
    files than can go, and those that stay before them: a node has millions.

    `is_short` says that nothing more can go, and there is too little room all the same.
    """

    def __init__(self, look: Look, rules: Rules) -> None:
        self.used: defaultdict[City, int] = defaultdict(int)
        self.held: defaultdict[City, int] = defaultdict(int)
        self.full_cities: set[City] = set()
        self.is_short = False
        self._look, self._rules, self._freed = look, rules, 0
        self._cameras: defaultdict[City, list[_Camera]] = defaultdict(list)
        self._spare: dict[City, Iterator[SegmentFile]] = {}
        self._next: dict[City, SegmentFile | None] = {}
        none = CityLimits()
        for camera_id, files in look.files.items():
            camera = look.cameras.get(camera_id)
            city = camera.tenant_id if camera else None
            policy = keeping(camera, rules.cities.get(camera.tenant_id, none)) if camera else None
            held = rules.held.places(city, files)
            self._cameras[city].append(_Camera(files, policy, held, is_removed=camera is not None and camera.removed))
            self.used[city] += files.size_bytes
            self.held[city] += sum(files.bytes_between(each.start, each.stop) for each in held)
        self.held = defaultdict(int, {city: size for city, size in self.held.items() if size})

    def too_old(self, most: int) -> list[Doomed]:
        every = (self._old(city, camera) for city, cameras in self._cameras.items() for camera in cameras)
        doomed = []
        for city, each in islice(heapq.merge(*every, key=lambda old: old[1].file.started_at), most):
            self.used[city] -= each.file.size_bytes
            self._freed += each.file.size_bytes
            doomed.append(each)
        return doomed

    def _old(self, city: City, camera: _Camera) -> Iterator[tuple[City, Doomed]]:
        if camera.policy is not None:
            limit = self._look.now - timedelta(days=camera.policy.value)
            for file in camera.free(self._rules.stuck, before=limit):
                if self._is_old(camera, file, limit) and not self._rules.spared.stays(file):
                    yield city, Doomed(file, camera.policy)

    def _is_old(self, camera: _Camera, file: SegmentFile, limit: datetime) -> bool:
        if file.started_at > limit or (camera.is_newest(file) and file.modified_at > limit):
            return False
        return not self._rules.spared.waits(file)

    def _spare_of(self, camera: _Camera) -> Iterator[SegmentFile]:
        """What may go for room, and was not brought back, oldest first."""
        limit = None if camera.policy is None else self._look.now - timedelta(days=camera.policy.value)
        for file in camera.free(self._rules.stuck):
            if camera.is_newest(file) or self._rules.spared.stays(file):
                continue
            if limit is None or not self._is_old(camera, file, limit):
                yield file

    def _brought_back(self, city: City) -> list[SegmentFile]:
        mine = {camera.files.camera_id: camera for camera in self._cameras[city]}
        found = []
        for path in self._rules.spared.brought_back():
            parsed = parse_segment_path(path)
            camera = mine.get(parsed[0]) if parsed else None
            file = camera.files.file_of(microseconds(parsed[1])) if camera and parsed else None
            if camera and file and camera.may_go(file, self._rules.stuck) and self._rules.spared.stays(file):
                found.append(file)
        return sorted(found, key=attrgetter("started_at"))

    def beyond_city_limits(self, cities: Mapping[UUID, CityLimits], most: int) -> list[Doomed]:
        """Each city's oldest until its own limit holds."""
        doomed: list[Doomed] = []
        for city, limits in cities.items():
            if limits.max_bytes is None:
                continue
            while self.used[city] > limits.max_bytes and len(doomed) < most and (file := self._oldest(city)) is not None:
                doomed.append(Doomed(self._take(city, file), Policy(Reason.CITY_QUOTA, limits.max_bytes / GIGABYTE)))
            if self.used[city] > limits.max_bytes and len(doomed) < most and self.held[city]:
                self.full_cities.add(city)
        return doomed

    def beyond_room(self, rules: Rules, most: int) -> list[Doomed]:
        """The oldest of the city that takes the most, again and again, until quota and floor hold."""
        over = sum(self.used.values()) - rules.limits.max_bytes
        short = rules.missing_free_bytes + rules.wanted_bytes - self._freed
        quota, floor = Policy(Reason.QUOTA, rules.limits.max_bytes / GIGABYTE), Policy(Reason.FLOOR, rules.limits.free_floor)
        policy, missing, fine = (quota, over, 0) if over > short else (floor, short, rules.wanted_bytes)
        largest = [(-used, str(city), city) for city, used in self.used.items()]
        heapq.heapify(largest)
        doomed: list[Doomed] = []
        while missing > 0 and len(doomed) < most and largest:
            _, name, city = heapq.heappop(largest)
            if (file := self._oldest(city)) is not None:
                doomed.append(Doomed(self._take(city, file), policy))
                missing -= doomed[-1].file.size_bytes
                heapq.heappush(largest, (-self.used[city], name, city))
        self.is_short = missing > fine and not largest
        return doomed

    def _oldest(self, city: City) -> SegmentFile | None:
        """The city's file that goes next for room."""
        if city not in self._next:
            recorded = heapq.merge(*map(self._spare_of, self._cameras[city]), key=attrgetter("started_at"))
            self._spare[city] = chain(self._brought_back(city), recorded)
            self._next[city] = next(self._spare[city], None)
        return self._next[city]

    def _take(self, city: City, file: SegmentFile) -> SegmentFile:
        self._next[city] = next(self._spare[city], None)
        self.used[city] -= file.size_bytes
        self._freed += file.size_bytes
        return file


@dataclass(frozen=True, slots=True)
class _Camera:
    files: CameraFiles
    policy: Policy | None
    """None: the camera is not known, and what it recorded goes for room only."""
    held: Sequence[range]
    """Places in `files`, in order."""
    is_removed: bool

    def is_newest(self, file: SegmentFile) -> bool:
        """Not so once the camera was removed: no more is recorded of it."""
        return not self.is_removed and file.path == self.files[-1].path

    def free(self, stuck: Callable[[SegmentFile], bool], before: datetime | None = None) -> Iterator[SegmentFile]:
        """What is not held and can be deleted, oldest first; with `before`, what began then or earlier."""
        end = len(self.files) if before is None else self.files.place_at(before + timedelta(microseconds=1))
        edges = [0, *(edge for each in self.held for edge in (each.start, each.stop)), end]
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            for place in range(first, min(last, end)):
                file = self.files[place]
                if not stuck(file):
                    yield file

    def may_go(self, file: SegmentFile, stuck: Callable[[SegmentFile], bool]) -> bool:
        place = self.files.place_at(file.started_at)
        return not self.is_newest(file) and not stuck(file) and not any(place in each for each in self.held)
