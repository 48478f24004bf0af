"""Tests of what recordings take: counted by the recorder agent from real files, asked for over HTTP."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests.streaming.conftest import Running, announce, registered

from chassis.envelope import wrap
from city.tenants import KnownTenant, TenantDirectory
from gtvision.camera import RecordingSettings, path_name
from gtvision.events import CameraRemoved
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Quotas, Retention, Role, TenantSettings
from streaming.forecast.domain import LowMarks
from streaming.forecast.usecases import StorageWatch, UsageCount
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.recorder.usecases import Recorder
from streaming.recordings.repository import PostgresIndex, PostgresSegments
from streaming.retention.domain import Limits
from streaming.streams.repository import PostgresFleet
from streaming.usage.domain import Usage, days_left, freed_per_day
from streaming.usage.repository import PostgresUsage

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]


class Disk(RecordingsFolder):
    """A folder on a disk of a thousand gigabytes, of which a tenth is free."""

    async def disk(self) -> tuple[int, int]:
        return 10**12, 10**11


class Site:
    """A recorder agent with a folder of its own, and two groups of cameras."""

    def __init__(self, running: Running, folder: Path, film: Path) -> None:
        self.running, self.folder, self.film = running, folder, film
        self.tenant, self.north, self.south = new_id(), new_id(), new_id()
        self.cameras: dict[str, Any] = {}
        self.settings: dict[UUID, TenantSettings] = {}
        db = running.db
        idle_after, disk = timedelta(seconds=20), Disk(folder)
        limits = Limits(max_bytes=10**12, free_floor=0.05)
        options: Any = {"clock": running.clock, "limits": limits, "idle_after": idle_after}
        storage = StorageWatch("media-1", LowMarks(free=0.15, days=7), running.clock)
        count = UsageCount(db.uow, PostgresUsage, disk, self.settings.get, **options, storage=storage)
        self.recorder = Recorder(
            db.uow,
            PostgresSegments,
            PostgresFleet(db),
            PostgresIndex(db),
            disk,
            clock=running.clock,
            idle_after=idle_after,
            followers=[count.follow],
        )

    async def add(self, name: str, **changes: Any) -> None:
        self.cameras[name] = new_id()
        event = registered(self.running, self.tenant, self.cameras[name], **{"groups": (self.north,), **changes})
        await announce(self.running, event.model_copy(update={"data": event.data.model_copy(update={"name": name})}))

    def record(self, name: str, ago: timedelta) -> Path:
        start = self.running.clock.now() - ago
        path = self.folder / path_name(self.cameras[name]) / f"{start:%Y-%m-%d_%H-%M-%S-%f}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.film.read_bytes())
        written = (start + timedelta(seconds=2)).timestamp()
        os.utime(path, (written, written))
        return path

    async def count(self) -> None:
        self.running.clock.advance(31)
        await self.recorder.keep_index()

    async def show(self, name: str, *, up: bool) -> None:
        """Lets the camera make progress, or be out of reach for long."""
        self.running.media.inbound.pop(path_name(self.cameras[name]), None)
        for look in range(3):
            if up:
                self.running.media.inbound[path_name(self.cameras[name])] = 1_000 * (look + 1)
            self.running.clock.advance(6)
            await self.running.reconciler.reconcile()

    def caller(self, role: Role = Role.OPERATOR, **options: Any) -> Caller:
        return self.running.mint.caller(role, tenant_id=self.tenant, **options)

    async def ask(self, path: str, caller: Caller | None) -> httpx.Response:
        return await self.running.http.get(path, headers=self.running.mint.headers(caller or self.caller()))

    async def usage(self, caller: Caller | None = None) -> dict[str, Any]:
        answer = await self.ask("/recordings/usage", caller)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def forecast(self, caller: Caller | None = None) -> dict[str, Any]:
        answer = await self.ask("/recordings/forecast", caller)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture
def site(running: Running, tmp_path: Path, film: Path) -> Site:
    return Site(running, tmp_path, film)


async def test_nothing_is_known_before_the_first_count(site: Site) -> None:
    await site.add("Avenida")
    usage = await site.usage()
    assert (usage["as_of"], usage["bytes_used"], usage["bytes_per_day"], usage["disk"], usage["days_left"]) == (None, 0, None, None, None)
    assert (usage["cameras_recording"], usage["cameras_not_recording_total"]) == (0, 1)
    stopped = {"camera_id": str(site.cameras["Avenida"]), "name": "Avenida", "since": None, "cause": None}
    assert usage["cameras_not_recording"] == [stopped]


async def test_what_is_on_disk_is_counted_with_its_pace(site: Site) -> None:
    await site.add("Avenida")
    size = site.film.stat().st_size
    old = site.record("Avenida", timedelta(hours=30))
    for hours in (12, 6):
        site.record("Avenida", timedelta(hours=hours))
    newest = site.record("Avenida", timedelta(seconds=-20))  # when it is counted it was written ten seconds ago
    await site.count()
    usage = await site.usage()
    assert (usage["bytes_used"], usage["bytes_per_day"]) == (4 * size, 3 * size)
    assert usage["oldest"][:19] == f"{old.stem[:10]}T{old.stem[11:19].replace('-', ':')}"
    assert usage["newest"][:10] == newest.stem[:10]
    assert usage["disk"] == {"total_bytes": 10**12, "free_bytes": 10**11}
    assert usage["days_left"] == round((10**11 - 5 * 10**10) / (3 * size), 1)
    assert (usage["cameras_recording"], usage["cameras_not_recording"]) == (1, [])
    old.unlink()
    await site.count()
    assert (await site.usage())["bytes_used"] == 3 * size


async def test_a_camera_that_is_not_recorded_is_named_with_since_and_cause(site: Site) -> None:
    for name in ("Avenida", "Beco", "Cais"):
        await site.add(name)
    await site.add("Desligada", enabled=False)
    await site.add("Sem gravar", recording=RecordingSettings(enabled=False))
    await site.show("Beco", up=False)
    await site.show("Cais", up=True)
    site.record("Cais", timedelta(minutes=5))
    site.record("Avenida", timedelta(seconds=-20))
    await site.count()
    usage = await site.usage()
    assert (usage["cameras_recording"], usage["cameras_not_recording_total"]) == (1, 2)
    stopped = {each["name"]: each for each in usage["cameras_not_recording"]}
    assert {name: each["cause"] for name, each in stopped.items()} == {"Beco": "unreachable", "Cais": "nothing_written"}
    stream = await site.running.http.get(f"/streams/{site.cameras['Beco']}", headers=site.running.mint.headers(site.caller()))
    assert stopped["Beco"]["since"] == stream.json()["since"]


async def test_callers_see_their_groups_and_their_city(site: Site) -> None:
    await site.add("Norte")
    await site.add("Sul", groups=(site.south,))
    for name in ("Norte", "Sul"):
        site.record(name, timedelta(hours=2))
    await site.count()
    size = site.film.stat().st_size
    limited = await site.usage(site.caller(groups=[site.south]))
    assert (limited["bytes_used"], [each["name"] for each in limited["cameras_not_recording"]]) == (size, ["Sul"])
    assert (await site.usage())["bytes_used"] == 2 * size
    stranger = await site.usage(site.running.mint.caller(Role.OPERATOR, tenant_id=new_id()))
    assert (stranger["bytes_used"], stranger["cameras_not_recording_total"], stranger["disk"]) == (0, 0, None)
    partner = await site.usage(site.caller(Role.PARTNER, scopes=["recordings:read"]))
    assert (partner["bytes_used"], partner["disk"], partner["days_left"]) == (2 * size, None, None)


async def test_a_viewer_does_not_ask(site: Site) -> None:
    answer = await site.running.http.get("/recordings/usage", headers=site.running.mint.headers(site.caller(Role.VIEWER)))
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_the_forecast_says_how_long_each_camera_keeps(site: Site) -> None:
    await site.add("Avenida", recording=RecordingSettings(retention_days=200))
    await site.add("Beco")
    size = site.film.stat().st_size
    for hours in (12, 6):
        site.record("Avenida", timedelta(hours=hours))
    await site.count()
    forecast = await site.forecast()
    assert (forecast["disk"], forecast["quota_bytes"], forecast["held_bytes"], forecast["full_of_held"]) == (
        {"total_bytes": 10**12, "free_bytes": 10**11, "floor_bytes": 5 * 10**10},
        None,
        0,
        False,
    )
    first, second = forecast["cameras"]
    assert (first["name"], first["bytes_used"], first["retention_days"], first["days_kept"]) == ("Avenida", 2 * size, 200, 200.0)
    assert {name: second[name] for name in ("name", "bytes_used", "bytes_per_day", "retention_days", "oldest", "days_kept")} == {
        "name": "Beco",
        "bytes_used": 0,
        "bytes_per_day": None,
        "retention_days": 90,
        "oldest": None,
        "days_kept": None,
    }
    assert forecast["days_left"] == (await site.usage())["days_left"]


async def test_the_forecast_follows_the_city(site: Site, running: Running) -> None:
    await site.add("Avenida", recording=RecordingSettings(retention_days=200))
    site.record("Avenida", timedelta(hours=12))
    site.settings[site.tenant] = settings = TenantSettings(retention=Retention(video_days=30), quotas=Quotas(storage_gb=1))
    directory: TenantDirectory = running.service.api.state.provided[TenantDirectory]
    directory.learn(site.tenant, KnownTenant(name="Cidade", revision=1, settings=settings))
    await site.count()
    forecast = await site.forecast()
    [camera] = forecast["cameras"]
    assert (forecast["quota_bytes"], camera["retention_days"], camera["days_kept"]) == (10**9, 30, 30.0)
    assert forecast["days_left"] == round((10**9 - camera["bytes_used"]) / camera["bytes_per_day"], 1), "before the disk's"


async def test_the_forecast_is_limited_as_the_usage_is(site: Site) -> None:
    await site.add("Norte")
    await site.add("Sul", groups=(site.south,))
    site.record("Norte", timedelta(hours=2))
    await site.count()
    assert [camera["name"] for camera in (await site.forecast())["cameras"]] == ["Norte", "Sul"]
    limited = await site.forecast(site.caller(groups=[site.south]))
    assert [camera["name"] for camera in limited["cameras"]] == ["Sul"]
    partner = await site.forecast(site.caller(Role.PARTNER, scopes=["recordings:read"]))
    assert (len(partner["cameras"]), partner["disk"], partner["days_left"]) == (2, None, None)
    stranger = await site.forecast(site.running.mint.caller(Role.OPERATOR, tenant_id=new_id()))
    assert (stranger["cameras"], stranger["disk"], stranger["as_of"]) == ([], None, None)
    assert (await site.ask("/recordings/forecast", site.caller(Role.VIEWER))).status_code == 403


async def test_a_removed_camera_is_in_the_forecast_while_something_of_it_is_there(site: Site) -> None:
    for name in ("Avenida", "Beco"):
        await site.add(name)
        await site.running.events.on_camera_removed(
            wrap(CameraRemoved(camera_id=site.cameras[name], revision=2), tenant_id=site.tenant, occurred_at=site.running.clock.now())
        )
    site.record("Avenida", timedelta(hours=2))
    await site.count()
    [camera] = (await site.forecast())["cameras"]
    assert (camera["name"], camera["bytes_used"] > 0, camera["days_kept"]) == ("Avenida", True, None)


def test_days_are_left_until_the_quota_or_the_floor() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    usage = Usage(new_id(), 600, 100, now, now, is_growing=True)
    assert days_left([usage], (1_000, 400), max_bytes=10_000, free_floor=0.1) == 3.0
    assert days_left([usage], (1_000, 400), max_bytes=700, free_floor=0.1) == 1.0
    assert days_left([usage], (1_000, 50), max_bytes=10_000, free_floor=0.1) == 0.0
    assert days_left([Usage(new_id(), 600, None, now, now, is_growing=True)], (1_000, 400), max_bytes=10_000, free_floor=0.1) is None


def test_what_retention_frees_leaves_room() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    full, young, endless = (Usage(new_id(), 1_000, 100, now - timedelta(days=days), now, is_growing=True) for days in (10, 9, 99))
    keep_days = {full.camera_id: 10, young.camera_id: 10}
    assert freed_per_day([full, young, endless], keep_days, now) == 100.0
    assert days_left([full, young], (10_000, 400), max_bytes=10_000, free_floor=0, freed_per_day=100.0) == 4.0
    assert days_left([full], (10_000, 400), max_bytes=10_000, free_floor=0, freed_per_day=100.0) is None, "it goes on like this"


async def test_a_disk_that_is_low_is_told_with_the_count_and_then_every_ten_minutes(site: Site) -> None:
    await site.add("Portão")
    told = text("SELECT body FROM outbox WHERE tenant_id = :tenant AND key = 'storage.ran_low.v1' ORDER BY id")
    for counts, expected in ((1, 1), (18, 1), (2, 2)):
        for _ in range(counts):
            await site.count()
        async with site.running.db.uow(None) as uow:
            found = [json.loads(body)["data"] for body in await uow.session.scalars(told, {"tenant": site.tenant})]
        assert [each["is_low"] for each in found] == [True] * expected
    assert found[0] == {"node": "media-1", "is_low": True, "free_percent": 10.0, "days_left": None}
