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
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

from gtvision.tenancy import TenantSettings
from streaming.recordings.domain import Look, SegmentFile
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
    recordings are kept. Takes a time that grows with the number of files, and no faster.
    """
    stock = _Stock(look, rules)
    doomed = stock.too_old(most)
    if len(doomed) < most:
        doomed += stock.beyond_city_limits(rules.cities, most - len(doomed))
    if len(doomed) < most:
        doomed += stock.beyond_room(rules, most - len(doomed))
    return doomed, HeldState(stock.held, stock.is_short and bool(stock.held), stock.full_cities)


class _Stock:
    """Every file by what may happen to it. `used` is what each city takes without the files that go, held ones included.

    `is_short` says that nothing more can go, and there is too little room all the same.
    """

    def __init__(self, look: Look, rules: Rules) -> None:
        self.used: defaultdict[City, int] = defaultdict(int)
        self.held: defaultdict[City, int] = defaultdict(int)
        self.full_cities: set[City] = set()
        self.is_short = False
        self._old: list[tuple[datetime, int, Doomed]] = []
        self._spare: defaultdict[City, list[SegmentFile]] = defaultdict(list)
        self._brought_back: defaultdict[City, list[SegmentFile]] = defaultdict(list)
        self._oldest: dict[City, list[SegmentFile]] = {}
        none = CityLimits()
        keep = {camera_id: keeping(camera, rules.cities.get(camera.tenant_id, none)) for camera_id, camera in look.cameras.items()}
        before = {camera_id: look.now - timedelta(days=policy.value) for camera_id, policy in keep.items()}
        city_of = {camera_id: camera.tenant_id for camera_id, camera in look.cameras.items()}
        written = newest_of(look)
        self._freed = 0
        for file in look.every_file():
            camera_id = file.camera_id
            city, limit = city_of.get(camera_id), before.get(camera_id)
            is_newest = written.get(camera_id) == file
            if rules.held.cover(city, file):
                self.used[city] += file.size_bytes
                self.held[city] += file.size_bytes
                continue
            if rules.stuck(file):
                self.used[city] += file.size_bytes
                continue
            stays = rules.spared.stays(file)
            is_old = limit is not None and file.started_at <= limit and (not is_newest or file.modified_at <= limit)
            if is_old and not stays and not rules.spared.waits(file):
                self._old.append((file.started_at, len(self._old), Doomed(file, keep[camera_id])))
                self._freed += file.size_bytes
                continue
            self.used[city] += file.size_bytes
            if not is_newest:
                (self._brought_back if stays else self._spare)[city].append(file)

    def too_old(self, most: int) -> list[Doomed]:
        return [doomed for _, _, doomed in heapq.nsmallest(most, self._old)]

    def beyond_city_limits(self, cities: Mapping[UUID, CityLimits], most: int) -> list[Doomed]:
        """Each city's oldest until its own limit holds."""
        doomed: list[Doomed] = []
        for city, limits in cities.items():
            if limits.max_bytes is None:
                continue
            while self.used[city] > limits.max_bytes and len(doomed) < most and self._has_spare(city, most):
                doomed.append(Doomed(self._take(city), Policy(Reason.CITY_QUOTA, limits.max_bytes / GIGABYTE)))
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
            if self._has_spare(city, most):
                doomed.append(Doomed(self._take(city), policy))
                missing -= doomed[-1].file.size_bytes
                heapq.heappush(largest, (-self.used[city], name, city))
        self.is_short = missing > fine and not largest
        return doomed

    def _has_spare(self, city: City, most: int) -> bool:
        """Sorts no more of a city's files than can go."""
        if city not in self._oldest:
            first, then = (heapq.nsmallest(most, of[city], key=attrgetter("started_at")) for of in (self._brought_back, self._spare))
            self._oldest[city] = [*first, *then][:most][::-1]
        return bool(self._oldest[city])

    def _take(self, city: City) -> SegmentFile:
        file = self._oldest[city].pop()
        self.used[city] -= file.size_bytes
        self._freed += file.size_bytes
        return file


def newest_of(look: Look) -> dict[UUID, SegmentFile]:
    """The newest file of each camera that was not removed."""
    newest: dict[UUID, SegmentFile] = {}
    for file in look.every_file():
        known = newest.get(file.camera_id)
        if known is None or file.started_at > known.started_at:
            newest[file.camera_id] = file
    return {camera_id: file for camera_id, file in newest.items() if camera_id not in look.cameras or not look.cameras[camera_id].removed}
