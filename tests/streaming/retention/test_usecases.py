"""Tests of what the recorder agent deletes, on real files and PostgreSQL, with two cities in one folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from tests.streaming.conftest import Running, announce, registered

from gtvision.camera import RecordingSettings, path_name
from gtvision.ids import new_id
from gtvision.tenancy import Quotas, TenantSettings
from gtvision.tenancy import Retention as RetentionSettings
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.recordings.domain import Look
from streaming.recordings.repository import PostgresSegments
from streaming.retention.domain import Limits
from streaming.retention.usecases import Retention
from streaming.streams.repository import PostgresFleet

pytestmark = [pytest.mark.db, pytest.mark.broker]

SIZE = 1_000


class Disk(RecordingsFolder):
    """A folder on a disk of 100,000 bytes."""

    async def disk(self) -> tuple[int, int]:
        return 100_000, 100_000 - sum(file.size_bytes for file in await self.scan())


class Site:
    """A folder in which the cameras of two cities were recorded, and what deletes from it."""

    def __init__(self, running: Running, folder: Path, *, max_bytes: int = 10**12, free_floor: float = 0.0, most: int = 500) -> None:
        self.running, self.folder, self.files = running, folder, Disk(folder)
        self.city, self.town = new_id(), new_id()
        self.settings: dict[UUID, TenantSettings] = {}
        limits = Limits(max_bytes, free_floor)
        self.retention = Retention(running.db.uow, PostgresSegments, self.files, limits, self.settings.get, most_per_look=most)

    async def add(self, tenant: UUID, days: int = 90) -> UUID:
        """Registers a camera of a city."""
        camera = new_id()
        await announce(self.running, registered(self.running, tenant, camera, recording=RecordingSettings(retention_days=days)))
        return camera

    def record(self, camera: UUID, count: int, *, ago: timedelta = timedelta(hours=3)) -> list[Path]:
        """Writes files of a thousand bytes, one for each minute."""
        made = []
        for minute in range(count):
            start = self.running.clock.now() - ago + timedelta(minutes=minute)
            path = self.folder / path_name(camera) / f"{start:%Y-%m-%d_%H-%M-%S-%f}.mp4"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x" * SIZE)
            written = (start + timedelta(minutes=1)).timestamp()
            os.utime(path, (written, written))
            made.append(path)
        return made

    async def look(self) -> Look:
        cameras = await PostgresFleet(self.running.db).cameras()
        return Look(await self.files.scan(), {camera.camera_id: camera for camera in cameras}, self.running.clock.now())

    async def follow(self) -> None:
        await self.retention.follow(await self.look())


MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(running: Running, tmp_path: Path) -> MakeSite:
    return lambda **limits: Site(running, tmp_path, **limits)


def there(paths: list[Path]) -> list[bool]:
    return [path.exists() for path in paths]


async def test_a_city_that_is_known_may_keep_less_than_its_cameras(make_site: MakeSite) -> None:
    site = make_site()
    camera, other = await site.add(site.city, days=200), await site.add(site.town, days=200)
    old = [*site.record(camera, 1, ago=timedelta(days=100)), *site.record(other, 1, ago=timedelta(days=100))]
    new = [*site.record(camera, 2), *site.record(other, 2)]
    await site.follow()
    assert there(old) == [True, True], "nothing is known of the cities, whose default would be 90 days"
    site.settings[site.city] = TenantSettings(retention=RetentionSettings(video_days=99))
    await site.follow()
    assert there([*old, *new]) == [False, True, True, True, True, True]


async def test_a_city_with_a_limit_of_its_own_takes_from_itself(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.retention.domain.GIGABYTE", SIZE)
    site = make_site()
    camera, other = await site.add(site.city), await site.add(site.town)
    own, others = site.record(camera, 6), site.record(other, 6, ago=timedelta(hours=9))
    site.settings[site.city] = TenantSettings(quotas=Quotas(storage_gb=4))
    await site.follow()
    assert there(own) == [False, False, True, True, True, True]
    assert all(there(others))


async def test_a_city_that_fills_the_disk_costs_the_other_nothing(make_site: MakeSite) -> None:
    site = make_site(free_floor=0.8)  # twenty files fit
    small, large = await site.add(site.town), await site.add(site.city)
    few, many = site.record(small, 5, ago=timedelta(days=9)), site.record(large, 30)
    await site.follow()
    assert all(there(few))
    assert there(many) == [False] * 15 + [True] * 15


async def test_one_look_deletes_no_more_than_it_may_and_the_next_goes_on(make_site: MakeSite) -> None:
    site = make_site(free_floor=0.9, most=15)  # ten files fit
    large = site.record(await site.add(site.city), 30)
    await site.follow()
    assert there(large) == [False] * 15 + [True] * 15
    await site.follow()
    assert there(large) == [False] * 20 + [True] * 10
