"""Tests of what the recorder agent deletes, on real files and PostgreSQL, with two cities in one folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.chassis.waiting import until
from tests.city.trusting import trusting
from tests.streaming.conftest import Running, announce, registered

from chassis.envelope import wrap
from city.trusted_time import TrustedNow
from gtvision.camera import RecordingSettings, path_name
from gtvision.errors import Unavailable
from gtvision.events import CameraRemoved
from gtvision.ids import new_id
from gtvision.tenancy import Quotas, Role, TenantSettings
from gtvision.tenancy import Retention as RetentionSettings
from gtvision.time import LATEST
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.recordings.domain import Look
from streaming.recordings.repository import PostgresSegments
from streaming.retention.domain import Held, Limits
from streaming.retention.repository import PostgresHeld, PostgresHolds
from streaming.retention.usecases import Retention
from streaming.streams.repository import PostgresFleet
from streaming.tombstones.repository import PostgresTombstones

pytestmark = [pytest.mark.db, pytest.mark.broker]

SIZE = 1_000


class Disk(RecordingsFolder):
    """A folder on a disk of 100,000 bytes."""

    async def disk(self) -> tuple[int, int]:
        return 100_000, 100_000 - sum(files.size_bytes for files in (await self.scan(LATEST)).values())


class Site:
    """A folder in which the cameras of two cities were recorded, and what deletes from it."""

    def __init__(self, running: Running, folder: Path, *, max_bytes: int = 10**12, free_floor: float = 0.0, most: int = 500) -> None:
        self.running, self.folder, self.files = running, folder, Disk(folder)
        self.city, self.town = new_id(), new_id()
        self.settings: dict[UUID, TenantSettings] = {}
        self.limits, self.most = Limits(max_bytes, free_floor), most
        self.trusted_now: TrustedNow = trusting(running.clock)
        self.retention = self.agent()

    def agent(
        self, held: type[PostgresHeld] = PostgresHeld, files: RecordingsFolder | None = None, wanted: Callable[[], int] = lambda: 0
    ) -> Retention:
        return Retention(
            self.running.db.uow,
            PostgresSegments,
            PostgresHolds,
            PostgresTombstones,
            held(self.running.db),
            files or self.files,
            trusted_now=self.trusted_now,
            limits=self.limits,
            settings=self.settings.get,
            wanted=wanted,
            most_per_look=self.most,
        )

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
        now = self.running.clock.now()
        return Look(await self.files.scan(now), {camera.camera_id: camera for camera in cameras}, now)

    async def follow(self) -> None:
        await self.retention.follow(await self.look())

    async def hold(self, tenant: UUID, camera: UUID | None, first: Path, last: Path) -> dict[str, Any]:
        """Places a hold from the start of one file to that of another."""
        body = {"camera_id": str(camera) if camera else None, "from": named(first), "to": named(last), "reason": "Inquérito 12/2026"}
        caller = self.running.mint.caller(Role.ADMIN, tenant_id=tenant)
        answer = await self.running.http.post("/holds", headers=self.running.mint.headers(caller), json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def lift(self, tenant: UUID, hold: dict[str, Any]) -> None:
        caller = self.running.mint.caller(Role.ADMIN, tenant_id=tenant)
        url = f"/holds/{hold['hold_id']}/lift"
        answer = await self.running.http.post(url, headers=self.running.mint.headers(caller), json={"reason": "Arquivado"})
        assert answer.status_code == 200, answer.text

    async def tombstones(self, tenant: UUID, camera: UUID, **params: Any) -> list[dict[str, Any]]:
        headers = self.running.mint.headers(self.running.mint.caller(Role.OPERATOR, tenant_id=tenant))
        answer = await self.running.http.get("/recordings/tombstones", headers=headers, params={"camera_id": str(camera), **params})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


def named(path: Path) -> str:
    return datetime.strptime(path.stem, "%Y-%m-%d_%H-%M-%S-%f").replace(tzinfo=UTC).isoformat()


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
    monkeypatch.setattr("streaming.retention.domain.rules.GIGABYTE", SIZE)
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


async def test_what_others_want_of_the_disk_is_made_room_for(make_site: MakeSite) -> None:
    site = make_site(free_floor=0.8)  # twenty files fit
    files = site.record(await site.add(site.city), 15)
    await site.follow()
    assert all(there(files))
    site.retention = site.agent(wanted=lambda: 10 * SIZE)
    await site.follow()
    assert there(files) == [False] * 5 + [True] * 10
    assert not site.retention.held_state.is_full


async def test_one_look_deletes_no_more_than_it_may_and_the_next_goes_on(make_site: MakeSite) -> None:
    site = make_site(free_floor=0.9, most=15)  # ten files fit
    large = site.record(await site.add(site.city), 30)
    await site.follow()
    assert there(large) == [False] * 15 + [True] * 15
    await site.follow()
    assert there(large) == [False] * 20 + [True] * 10


async def test_a_hold_outlives_days_quota_and_a_full_disk(make_site: MakeSite) -> None:
    site = make_site(max_bytes=0, free_floor=0.9)
    camera, other = await site.add(site.city, days=1), await site.add(site.town)
    own, others = site.record(camera, 20, ago=timedelta(days=5)), site.record(other, 3)
    hold = await site.hold(site.city, camera, own[5], own[8])
    site.settings[site.city] = TenantSettings(retention=RetentionSettings(video_days=1), quotas=Quotas(storage_gb=1))
    await site.follow()
    kept = [4 <= number <= 8 for number in range(20)]  # a minute more at both ends
    assert (there(own), there(others)) == (kept, [False, False, True])
    assert (site.retention.held_state.is_full, site.retention.held_state.held_bytes) == (True, {site.city: 5 * SIZE})
    await site.lift(site.city, hold)
    await site.follow()
    assert not any(there(own))
    assert (site.retention.held_state.is_full, site.retention.held_state.held_bytes) == (False, {})


async def test_a_hold_of_a_city_keeps_its_removed_cameras_and_no_other_city(make_site: MakeSite) -> None:
    site = make_site()
    camera, other = await site.add(site.city, days=1), await site.add(site.town, days=1)
    own, others = site.record(camera, 3, ago=timedelta(days=5)), site.record(other, 3, ago=timedelta(days=5))
    removed = CameraRemoved(camera_id=camera, revision=2)
    await site.running.events.on_camera_removed(wrap(removed, tenant_id=site.city, occurred_at=site.running.clock.now()))
    await site.hold(site.city, None, own[0], own[2])
    await site.follow()
    assert (there(own), there(others)) == ([True] * 3, [False] * 3)


async def test_a_hold_ends_by_itself(make_site: MakeSite) -> None:
    site = make_site()
    camera = await site.add(site.city, days=1)
    own = site.record(camera, 2, ago=timedelta(days=5))
    hold = await site.hold(site.city, camera, own[0], own[1])
    async with site.running.db.uow(site.city) as uow:
        runs_out = site.running.clock.now() + timedelta(hours=1)
        await uow.session.execute(text("UPDATE holds SET expires_at = :at WHERE hold_id = :id"), {"at": runs_out, "id": hold["hold_id"]})
    await site.follow()
    assert all(there(own))
    site.running.clock.advance(timedelta(hours=1))
    await site.follow()
    assert not any(there(own))


async def test_a_hold_that_comes_after_the_agent_has_chosen_still_keeps(make_site: MakeSite) -> None:
    """The agent has read what is held and goes on to delete; the hold is acknowledged in between."""
    site = make_site()
    camera = await site.add(site.city, days=1)
    own = site.record(camera, 9, ago=timedelta(days=5))

    class Overtaken(PostgresHeld):
        async def all(self, now: datetime) -> list[Held]:
            known = await super().all(now)
            await site.hold(site.city, camera, own[4], own[5])
            return known

    await site.agent(held=Overtaken).follow(await site.look())
    assert there(own) == [3 <= number <= 5 for number in range(9)]


async def test_a_hold_is_not_acknowledged_while_the_agent_deletes(make_site: MakeSite) -> None:
    site = make_site()
    camera = await site.add(site.city, days=1)
    own = site.record(camera, 3, ago=timedelta(days=5))
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Disk):
        async def delete(self, path: PurePosixPath) -> None:
            begun.set()
            await go_on.wait()
            await super().delete(path)

    deleting = asyncio.create_task(site.agent(files=Slow(site.folder)).follow(await site.look()))
    await begun.wait()
    answered: list[list[bool]] = []
    holding = asyncio.create_task(site.hold(site.city, camera, own[0], own[2]))
    holding.add_done_callback(lambda _: answered.append(there(own)))
    await until(lambda: _waits_for_lock(site.running))
    assert not holding.done()
    go_on.set()
    await asyncio.gather(deleting, holding)
    assert answered == [[False] * 3], "nothing that was there when it was answered is gone"


async def _waits_for_lock(running: Running) -> bool:
    async with running.db.uow(None) as uow:
        return bool(await uow.session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")))


async def test_what_went_leaves_a_tombstone(make_site: MakeSite) -> None:
    site = make_site()
    start = (site.running.clock.now() - timedelta(days=5)).replace(hour=6, minute=0)
    camera = await site.add(site.city, days=1)
    own = site.record(camera, 4, ago=site.running.clock.now() - start)
    site.record(camera, 1)
    await site.follow()
    [tombstone] = await site.tombstones(site.city, camera)
    assert {name: tombstone[name] for name in ("segments", "size_bytes", "reason", "policy_value")} == {
        "segments": 4,
        "size_bytes": 4 * SIZE,
        "reason": "days",
        "policy_value": 1.0,
    }
    assert [datetime.fromisoformat(tombstone[name]) for name in ("from", "to")] == [start, start + timedelta(minutes=4)]
    assert not any(there(own))
    async with site.running.db.uow(site.city) as uow:
        spans = PostgresTombstones(uow).spans
        assert await spans(camera, start + timedelta(minutes=2), start + timedelta(days=1)) == [(start, start + timedelta(minutes=4))]
        assert await spans(camera, start + timedelta(minutes=4), start + timedelta(days=1)) == []


async def test_tombstones_grow_from_look_to_look_and_by_policy(make_site: MakeSite) -> None:
    site = make_site(free_floor=0.95, most=3)  # five files fit
    camera = await site.add(site.city, days=3)
    now = site.running.clock.now()
    ago = now - (now - timedelta(days=2)).replace(hour=6, minute=0)
    site.record(camera, 20, ago=ago)
    for _ in range(5):
        await site.follow()
    [first] = await site.tombstones(site.city, camera)
    assert (first["reason"], first["segments"]) == ("floor", 15)
    site.running.clock.advance(timedelta(days=2))
    site.record(camera, 1)
    for _ in range(2):
        await site.follow()
    last, first = await site.tombstones(site.city, camera)
    assert [(each["reason"], each["segments"]) for each in (first, last)] == [("floor", 15), ("days", 5)]
    assert await site.tombstones(site.city, camera, limit=1) == [last]
    site.running.clock.advance(-timedelta(days=2))


async def test_an_agent_that_was_stopped_half_way_finds_the_files_again(make_site: MakeSite) -> None:
    site = make_site()
    camera = await site.add(site.city, days=1)
    own = site.record(camera, 2, ago=timedelta(days=5))

    class Gone(Disk):
        async def delete(self, path: PurePosixPath) -> None:
            raise Unavailable("The recordings folder does not answer.")

    with pytest.raises(Unavailable):
        await site.agent(files=Gone(site.folder)).follow(await site.look())
    assert all(there(own))
    [buried] = await site.tombstones(site.city, camera)
    await site.follow()
    assert not any(there(own))
    assert await site.tombstones(site.city, camera) == [buried], "they had their tombstone"
    async with site.running.db.uow(site.city) as uow:
        assert await uow.session.scalar(text("SELECT count(*) FROM buried_files")) == 0


async def test_without_a_database_nothing_is_deleted(make_site: MakeSite) -> None:
    site = make_site(max_bytes=0)
    own = site.record(await site.add(site.city), 3)
    look = await site.look()

    class Down(PostgresHolds):
        async def lock(self) -> None:
            raise Unavailable("The database is not reachable at the moment.")

    agent = site.agent()
    agent._holds = Down
    with pytest.raises(Unavailable):
        await agent.follow(look)
    assert all(there(own))


async def test_the_timeline_says_what_was_deleted(make_site: MakeSite) -> None:
    site = make_site()
    start = (site.running.clock.now() - timedelta(days=5)).replace(hour=6, minute=0)
    camera = await site.add(site.city, days=1)  # registered now, which explains less than what was there
    site.record(camera, 4, ago=site.running.clock.now() - start)
    await site.follow()
    span = {"from": (start + timedelta(minutes=1)).isoformat(), "to": (start + timedelta(minutes=3)).isoformat()}
    headers = site.running.mint.headers(site.running.mint.caller(Role.OPERATOR, tenant_id=site.city))
    answer = await site.running.http.get("/recordings/timeline", headers=headers, params={"camera_id": str(camera), **span})
    assert answer.status_code == 200, answer.text
    [gap] = answer.json()["gaps"]
    assert (gap["cause"], gap["detail"], answer.json()["explained_s"]) == ("retention", "deleted", 120)
