"""Tests of the off-site copies on real files, PostgreSQL and a server that speaks S3."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.chassis.waiting import until
from tests.city.trusting import trusting
from tests.streaming.archive.conftest import Site
from tests.streaming.buckets import BucketServer, a_plain_store
from tests.streaming.conftest import Running

from chassis.envelope import wrap
from city.trusted_time import TrustedTime
from gtvision.errors import Unavailable
from gtvision.events import CameraRemoved
from gtvision.ids import new_id
from gtvision.tenancy import Retention, Role, TenantSettings
from streaming import metrics
from streaming.gateways.s3_archive import S3Archive
from streaming.recordings.domain import GENESIS, SegmentFile, next_link
from streaming.retention.domain import Hold
from streaming.retention.repository import PostgresHolds

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]


async def test_finished_files_of_a_marked_camera_are_copied_with_their_hash(site: Site, film: Path) -> None:
    paths = [site.record(film, minute) for minute in range(3)]
    await site.look()
    rows = await site.copies()
    assert [(row["state"], row["storage_class"]) for row in rows] == [("copied", "STANDARD")] * 3
    for row, path in zip(rows, paths, strict=True):
        stored = await site.stored(row["object_key"])
        assert stored is not None
        assert (stored["Body"], stored["ContentType"]) == (path.read_bytes(), "video/mp4")
        assert stored["Metadata"]["sha256"] == row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_copies_have_the_storage_class_of_the_settings(cold_site: Site, film: Path) -> None:
    cold_site.storage_class = "GLACIER_IR"
    cold_site.restart()
    cold_site.record(film, 0)
    await cold_site.look()
    [row] = await cold_site.copies()
    stored = await cold_site.stored(row["object_key"])
    assert stored is not None
    assert stored["StorageClass"] == row["storage_class"] == "GLACIER_IR"


async def test_other_cameras_are_not_copied_and_marking_takes_what_is_there(site: Site, film: Path) -> None:
    await site.mark(offsite=False)
    site.record(film, 0)
    await site.look()
    assert await site.copies() == []
    await site.mark()
    await site.look()
    assert [row["state"] for row in await site.copies()] == ["copied"]


async def test_what_waits_for_a_camera_that_is_no_longer_marked_is_forgotten(site: Site, film: Path, running: Running) -> None:
    site.record(film, 0)
    await site.recorder.keep_index()
    site.archive = away(site)
    site.copying._archive = site.archive
    with pytest.raises(Unavailable):
        await site.copying.copy_some()
    assert [row["state"] for row in await site.copies()] == ["pending"]
    await site.mark(offsite=False)
    await site.look()
    assert await site.copies() == []


async def is_stored(site: Site, row: dict[str, Any]) -> bool:
    return await site.stored(row["object_key"]) is not None


async def content(site: Site, row: dict[str, Any]) -> bytes:
    stored = await site.stored(row["object_key"])
    assert stored is not None
    found: bytes = stored["Body"]
    return found


def away(site: Site) -> S3Archive:
    """The archive at an address where nobody listens."""
    return site.archive_at("http://127.0.0.1:1")


async def test_a_store_that_is_away_and_back_loses_nothing(site: Site, film: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = BucketServer(tmp_path_factory.mktemp("s3"))  # not started
    site.store = store
    site.restart()
    for minute in range(3):
        site.record(film, minute)
        with pytest.raises(Unavailable):
            await site.look()
    assert [(row["state"], row["attempts"]) for row in await site.copies()] == [("pending", 0)] * 3
    assert metrics.uncopied._value.get() >= 2
    assert metrics.oldest_uncopied._value.get() >= timedelta(minutes=30).total_seconds()
    assert len(await site.segments()) == 3, "indexing goes on"
    store.start()
    try:
        await site.look()
        assert [row["state"] for row in await site.copies()] == ["copied"] * 3
    finally:
        store.stop()


async def test_an_agent_that_is_killed_while_it_uploads_copies_the_file_again(site: Site, film: Path) -> None:
    path = site.record(film, 0)
    await site.recorder.keep_index()
    started = asyncio.Event()
    read = site.files.chunks

    async def slowly(of: object) -> object:
        async for chunk in read(of):  # type: ignore[arg-type]
            yield chunk[:100]
            started.set()
            await asyncio.Event().wait()

    site.files.chunks = slowly  # type: ignore[assignment,method-assign]
    upload = asyncio.create_task(site.copying.copy_some())
    await asyncio.wait({upload, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    [row] = await site.copies()
    assert row["state"] == "pending"
    assert await site.stored(row["object_key"]) is None
    site.restart()
    await site.look()
    [row] = await site.copies()
    assert (row["state"], await content(site, row)) == ("copied", path.read_bytes())


async def test_a_file_that_went_before_it_was_copied_is_told_of(site: Site, film: Path) -> None:
    gone, changed, good = (site.record(film, minute) for minute in range(3))
    await site.recorder.keep_index()
    gone.unlink()
    changed.write_bytes(b"x" * changed.stat().st_size)
    await site.copying.copy_some()
    rows = await site.copies()
    assert [(row["state"], row["reason"]) for row in rows] == [("failed", "lost"), ("failed", "file_changed"), ("copied", None)]
    assert await content(site, rows[2]) == good.read_bytes()


@pytest.mark.parametrize(
    ("spoils", "storage_class", "state"),
    [
        pytest.param(False, "STANDARD", "copied", id="good"),
        pytest.param(True, "STANDARD", "pending", id="changed-on-the-way"),
        pytest.param(False, "GLACIER", "copied", id="cold"),
    ],
)
async def test_a_copy_of_which_the_store_knows_no_checksum_is_read_back_before_it_counts(
    site: Site, film: Path, spoils: bool, storage_class: str, state: str
) -> None:
    site.record(film, 0)
    async with a_plain_store(spoils=spoils, storage_class=storage_class) as address:
        site.copying._archive = site.archive_at(address)
        await site.look()
        await site.copying._archive.aclose()
    assert [row["state"] for row in await site.copies()] == [state]


async def test_reading_back_finds_a_changed_object_and_copies_it_again(site: Site, film: Path) -> None:
    path = site.record(film, 0)
    await site.look()
    [row] = await site.copies()
    site.upkeep._cameras = {site.camera: site.upkeep._cameras[site.camera]}  # and none of other tests
    seen = {outcome: metrics.copies_read.labels(outcome)._value.get() for outcome in ("good", "changed")}
    await site.upkeep.read_one_back()
    await site.tamper(row["object_key"], b"y" * row["size_bytes"])
    await site.upkeep.read_one_back()
    found = {outcome: metrics.copies_read.labels(outcome)._value.get() - before for outcome, before in seen.items()}
    assert found == {"good": 1, "changed": 1}
    [row] = await site.copies()
    assert row["state"] == "pending"
    await site.look()
    assert await content(site, row) == path.read_bytes()


async def test_copies_go_after_their_days_unless_they_are_held(site: Site, film: Path) -> None:
    await site.mark(offsite_days=2, retention_days=1)
    site.record(film, 0)
    site.record(film, 10)
    await site.look()
    held, free = await site.copies()
    await site.upkeep.expire()
    assert len(await site.copies()) == 2
    hold = Hold(
        hold_id=new_id(),
        tenant_id=site.tenant,
        camera_id=site.camera,
        since=held["started_at"],
        until=held["started_at"],
        reason="case",
        placed_by=new_id(),
        placed_at=site.clock.now(),
        expires_at=None,
    )
    async with site.running.db.uow(site.tenant) as uow:
        await PostgresHolds(uow).add(hold)
    site.clock.advance(timedelta(days=2))
    await site.recorder.keep_index()
    await site.upkeep.expire()
    assert [row["segment_id"] for row in await site.copies()] == [held["segment_id"]]
    assert [await is_stored(site, row) for row in (held, free)] == [True, False]


async def test_copies_that_go_leave_a_tombstone_and_a_removed_camera_and_its_city_have_their_say(site: Site, film: Path) -> None:
    await site.mark(offsite_days=30, retention_days=90)
    for minute in range(3):
        site.record(film, minute)
    await site.look()
    first, second, third = await site.copies()
    removed = CameraRemoved(camera_id=site.camera, revision=site.revision + 1)
    await site.running.events.on_camera_removed(wrap(removed, tenant_id=site.tenant, occurred_at=site.clock.now()))
    site.clock.advance(timedelta(days=10))
    await site.recorder.keep_index()
    await site.upkeep.expire()
    assert len(await site.copies()) == 3
    site.settings[site.tenant] = TenantSettings(retention=Retention(offsite_days=9))
    for _ in range(2):
        await site.upkeep.expire()
    assert await site.copies() == []
    answer = await site.get("/recordings/tombstones", camera_id=str(site.camera))
    told = {(each["reason"], each["policy_value"], each["segments"], each["sha256"]) for each in answer.json()["items"]}
    rows = (first, second, third)
    assert told == {("city_offsite_days", 9.0, 1, next_link(GENESIS, row["sha256"])) for row in rows}
    assert {datetime.fromisoformat(each["from"]) for each in answer.json()["items"]} == {row["started_at"] for row in rows}


async def test_a_copy_that_was_found_to_be_changed_leaves_nothing_behind(site: Site, film: Path) -> None:
    await site.mark(offsite_days=2, retention_days=1)
    site.record(film, 0)
    await site.look()
    [row] = await site.copies()
    async with site.running.db.uow(site.tenant) as uow:
        await uow.session.execute(text("UPDATE copies SET state = 'failed', reason = 'copy_changed'"))
    site.clock.advance(timedelta(days=2))
    await site.recorder.keep_index()
    await site.upkeep.expire()
    assert not await is_stored(site, row)
    answer = await site.get("/recordings/tombstones", camera_id=str(site.camera))
    assert [each for each in answer.json()["items"] if each["reason"] == "offsite_days"] == [], "there was no copy any more"


async def test_a_clock_that_jumps_ends_no_copy(site: Site, film: Path) -> None:
    await site.mark(offsite_days=2, retention_days=1)
    site.trusted_now = TrustedTime(site.running.db.uow, site.clock).now
    site.restart()
    path = site.record(film, 0)
    await site.look()
    site.clock.jump(timedelta(days=365))
    await site.recorder.keep_index()
    await site.upkeep.expire()
    assert (len(await site.copies()), path.exists()) == (1, True)
    site.upkeep._trusted_now = trusting(site.clock)
    await site.upkeep.expire()
    assert await site.copies() == []


async def test_a_hold_that_comes_while_copies_go_keeps_those_that_are_left(
    site: Site, film: Path, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.archive.usecases.upkeep._MOST_AT_ONCE", 1, raising=False)
    await site.mark(offsite_days=2, retention_days=1)
    for minute in (0, 10):
        site.record(film, minute)
    await site.look()
    first, second = await site.copies()
    site.clock.advance(timedelta(days=2))
    await site.recorder.keep_index()
    span = {"from": second["started_at"].isoformat(), "to": second["ended_at"].isoformat()}
    headers = running.mint.headers(running.mint.caller(Role.ADMIN, tenant_id=site.tenant))
    body = {"camera_id": str(site.camera), **span, "reason": "Inquérito 12/2026"}
    delete = site.archive.delete
    placing: list[asyncio.Task[httpx.Response]] = []

    async def answered_or_waits() -> bool:
        async with running.db.uow(None) as uow:
            waits = await uow.session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
        return placing[0].done() or bool(waits)

    async def slow(key: str) -> None:
        if not placing and key == first["object_key"]:
            placing.append(asyncio.create_task(running.http.post("/holds", headers=headers, json=body)))
            await until(answered_or_waits)
            assert not placing[0].done(), "nothing may go after it was answered"
        await delete(key)

    monkeypatch.setattr(site.archive, "delete", slow)
    await site.upkeep.expire()
    assert (await placing[0]).status_code == 201
    assert [row["segment_id"] for row in await site.copies()] == [second["segment_id"]]
    assert [await is_stored(site, row) for row in (first, second)] == [False, True]


async def test_retention_may_ask_what_waits(site: Site, film: Path) -> None:
    site.record(film, 0)
    [file] = (await site.files.scan(site.clock.now()))[site.camera]
    await site.recorder.keep_index()
    assert site.copying.awaits(file), "nothing is known yet"
    site.clock.advance(timedelta(days=3))
    await site.copying.copy_some()
    await site.look()
    assert not site.copying.awaits(file)
    other = SegmentFile(file.path, site.tenant, file.started_at, 1, file.modified_at)
    assert not site.copying.awaits(other), "of a camera that is not marked"
