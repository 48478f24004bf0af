"""Tests of what comes back from the archive, on real files, PostgreSQL and a server that speaks S3 and knows cold storage."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import av
import pytest
from tests.city.test_trusted_time import Jumping
from tests.streaming.archive.conftest import Site
from tests.streaming.archive.test_copying import away
from tests.streaming.conftest import announce, registered

from gtvision.errors import Unavailable
from gtvision.ids import new_id
from gtvision.time import SystemClock
from streaming.archive.domain import Stored, Thaw
from streaming.archive.repository import PostgresCopies
from streaming.recordings.domain import Look
from streaming.recordings.repository import PostgresSegments
from streaming.streams.repository import PostgresFleet
from streaming.tombstones.repository import PostgresTombstones

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

RESTORE = "/recordings/archive/restore"
RESTORES = "/recordings/archive/restores"


async def gone_with_copies(site: Site, film: Path, count: int) -> list[Path]:
    """Recordings that were copied, and then deleted by retention."""
    await site.mark(retention_days=1)
    paths = [site.record(film, minute) for minute in range(count)]
    site.record(film, 29)  # the newest stays
    for _ in range(2):
        await site.look()
    site.clock.advance(timedelta(days=1))
    await site.recorder.keep_index()
    assert [path.exists() for path in paths] == [False] * count
    return paths


async def asked(site: Site, rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    body = {
        "camera_id": str(site.camera),
        "from": rows[0]["started_at"].isoformat(),
        "to": rows[-1]["ended_at"].isoformat(),
        "days": 30,
        **changes,
    }
    answer = await site.post(RESTORE, body)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


async def shown(site: Site, job: dict[str, Any]) -> dict[str, Any]:
    answer = await site.get(f"/recordings/archive/restores/{job['restore_id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_retention_deleted_comes_back_as_it_was_and_stays_for_its_days(site: Site, film: Path) -> None:
    await site.mark(retention_days=1)
    first, second = site.record(film, 0), site.record(film, 1)
    site.record(film, 29)
    for _ in range(2):
        await site.look()
    before, content = await site.segments(), first.read_bytes()
    site.clock.advance(timedelta(days=1))
    await site.recorder.keep_index()
    assert [first.exists(), second.exists(), len(await site.segments())] == [False, False, 0]
    job = await asked(site, before[:2])
    assert (job["state"], job["files"], job["progress"]) == ("queued", 2, 0)
    for _ in range(2):
        await site.turn()
    done = await shown(site, job)
    assert (done["state"], done["files_done"], done["files_missing"], done["progress"]) == ("ready", 2, 0, 1)
    assert first.read_bytes() == content
    await site.recorder.keep_index()
    site.restart()
    for _ in range(2):
        await site.recorder.keep_index()
    assert await site.segments() == before[:2], "id, span, hash, link and parts are the old ones"
    with av.open(str(second)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30
    listed = await site.get("/recordings", camera_id=str(site.camera), **{"from": job["from"], "to": job["to"]})
    assert len(listed.json()["items"]) == 2
    site.clock.advance(timedelta(days=31))
    site.restart()
    for _ in range(2):
        await site.look()
    assert [first.exists(), second.exists()] == [False, False]
    assert [row["state"] for row in await site.copies()] == ["copied"] * 3


async def test_the_timeline_shows_what_only_copies_hold_and_what_came_back(site: Site, film: Path) -> None:
    await gone_with_copies(site, film, 2)
    first, second, last = await site.copies()
    span = {"from": (first["started_at"] - timedelta(minutes=1)).isoformat(), "to": last["ended_at"].isoformat()}

    async def archived() -> list[dict[str, Any]]:
        answer = await site.get("/recordings/timeline", camera_id=str(site.camera), **span)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["archived"]
        return found

    spans = await archived()
    assert [datetime.fromisoformat(each["from"]) for each in spans] == [row["started_at"] for row in (first, second, last)]
    assert [datetime.fromisoformat(each["to"]) for each in spans] == [row["ended_at"] for row in (first, second, last)]
    assert [(each["storage_class"], each["restored_until"]) for each in spans] == [("STANDARD", None)] * 3
    job = await asked(site, [first])
    for _ in range(2):
        await site.turn()
    assert [each["restored_until"] for each in await archived()] == [job["keep_until"], None, None]


async def test_cold_storage_is_asked_first_and_comes_when_it_is_ready(cold_site: Site, film: Path) -> None:
    site = cold_site
    [path] = await gone_with_copies(site, film, 1)
    [row, _] = await site.copies()
    assert row["storage_class"] == "GLACIER"
    stored = await site.archive.head(row["object_key"])
    assert stored.is_cold
    job = await asked(site, [row])
    await site.restoring.bring_back()
    [row, _] = await site.copies()
    assert row["restore_requested_at"] is not None
    assert (await site.archive.head(row["object_key"])).thaw is not Thaw.NONE
    for _ in range(3):
        await site.turn()
    assert (await shown(site, job))["state"] == "ready"
    assert path.exists()


async def test_what_is_still_cold_waits(site: Site, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto thaws at once: here the store still says that it is busy."""
    [path] = await gone_with_copies(site, film, 1)
    [row, _] = await site.copies()
    job = await asked(site, [row])

    async def busy(key: str) -> Stored:
        return Stored(row["size_bytes"], row["sha256"], "DEEP_ARCHIVE", Thaw.UNDER_WAY)

    with monkeypatch.context() as cold:
        cold.setattr(site.archive, "head", busy)
        for _ in range(2):
            await site.turn()
        assert (await shown(site, job))["state"] == "waiting"
        assert not path.exists()
    for _ in range(2):
        await site.turn()
    assert (await shown(site, job))["state"] == "ready"
    assert path.exists()


async def test_a_copy_that_is_not_what_was_copied_does_not_come_back(site: Site, film: Path) -> None:
    changed, missing, good = await gone_with_copies(site, film, 3)
    rows = (await site.copies())[:3]
    await site.tamper(rows[0]["object_key"], b"z" * rows[0]["size_bytes"])
    await site.archive.delete(rows[1]["object_key"])
    job = await asked(site, rows)
    for _ in range(2):
        await site.turn()
    done = await shown(site, job)
    assert (done["state"], done["files_done"], done["files_missing"]) == ("ready", 1, 2)
    assert [path.exists() for path in (changed, missing, good)] == [False, False, True]
    assert [path.name for path in good.parent.glob("*.part")] == []
    assert [row["state"] for row in await site.copies()] == ["failed", "copied", "copied", "copied"]


async def test_a_store_that_is_away_holds_a_restore_up_and_no_more(site: Site, film: Path) -> None:
    [path] = await gone_with_copies(site, film, 1)
    [row, _] = await site.copies()
    job = await asked(site, [row])
    here, site.restoring._archive = site.archive, away(site)
    with pytest.raises(Unavailable):
        await site.turn()
    assert (await shown(site, job))["state"] == "queued"
    await site.recorder.keep_index()
    site.restoring._archive = here
    for _ in range(2):
        await site.turn()
    assert (await shown(site, job))["state"] == "ready"
    assert path.exists()


async def test_what_comes_back_during_a_look_stays(site: Site, film: Path) -> None:
    [path] = await gone_with_copies(site, film, 1)
    await asked(site, (await site.copies())[:1])
    read, go_on = asyncio.Event(), asyncio.Event()

    class Slow(PostgresCopies):
        async def restored(self, now: datetime) -> dict[str, datetime]:
            back = await super().restored(now)
            read.set()
            await go_on.wait()
            return back

    [camera] = [each for each in await PostgresFleet(site.running.db).cameras() if each.camera_id == site.camera]
    site.clock.advance(timedelta(minutes=6))
    site.restoring._copies = Slow
    look = Look({}, {site.camera: camera}, site.clock.now())
    looking = asyncio.create_task(site.restoring.follow(look))
    await read.wait()
    await site.restoring.bring_back()
    assert path.exists()
    go_on.set()
    await looking
    files = (await site.files.scan(site.clock.now()))[site.camera]
    [file] = [file for file in files if file.path.name == path.name]
    assert site.restoring.keeps(file)
    site.clock.advance(timedelta(days=31))
    await site.restoring.follow(replace(look, now=site.clock.now()))
    assert not site.restoring.keeps(file)


async def test_what_was_brought_back_and_had_to_give_room_is_only_off_site_again(site: Site, film: Path) -> None:
    [path] = await gone_with_copies(site, film, 1)
    first, _ = await site.copies()
    await asked(site, [first])
    for _ in range(2):
        await site.turn()
    assert path.exists()
    assert (await site.copies())[0]["restored_until"] is not None
    site.record(film, 29)
    site.max_bytes = path.stat().st_size
    site.restart()
    await site.recorder.keep_index()
    assert not path.exists()
    assert (await site.copies())[0]["restored_until"] is None
    span = {"from": first["started_at"].isoformat(), "to": first["ended_at"].isoformat()}
    answer = await site.get("/recordings/timeline", camera_id=str(site.camera), **span)
    assert [each["restored_until"] for each in answer.json()["archived"]] == [None]


async def test_what_came_back_leaves_a_tombstone_again_also_where_the_agent_was_stopped_after_it_deleted_it(
    site: Site, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stopped(repository: PostgresTombstones, segment_ids: Collection[UUID]) -> None:
        raise Unavailable("The database is not reachable at the moment.")

    with monkeypatch.context() as stopping, pytest.raises(Unavailable):
        stopping.setattr(PostgresTombstones, "forget_buried", stopped)
        await gone_with_copies(site, film, 1)
    [row, _] = await site.copies()
    path = site.folder / row["path"]
    assert not path.exists()
    deleted = "SELECT sum(segments) AS count FROM tombstones WHERE tenant_id = :tenant"
    [before] = await site.rows(deleted)
    site.restart()
    await asked(site, [row])
    for _ in range(2):
        await site.turn()
    assert path.exists()
    site.clock.advance(timedelta(days=31))
    site.restart()
    for _ in range(2):
        await site.look()
    assert not path.exists()
    assert await site.rows(deleted) == [{"count": before["count"] + 1}]


async def test_a_range_that_has_no_room_is_not_brought_back_again_and_again(site: Site, film: Path) -> None:
    paths = await gone_with_copies(site, film, 2)
    rows = (await site.copies())[:2]
    site.record(film, 29)
    site.max_bytes = rows[0]["size_bytes"]
    site.restart()
    job = await asked(site, rows)
    for _ in range(3):
        await site.turn()
    done = await shown(site, job)
    assert (done["state"], done["reason"], done["files_done"]) == ("failed", "no_room", 0)
    await site.turn()
    assert [path.exists() for path in paths] == [False, False]


async def test_a_clock_that_jumps_takes_nothing_away_that_was_brought_back(site: Site, film: Path) -> None:
    [path] = await gone_with_copies(site, film, 1)
    trusted = Jumping(site.running.db.uow, site.clock)
    trusted.ahead = site.clock.now() - SystemClock().now()
    site.trusted_now = trusted.now
    site.restart()
    await asked(site, (await site.copies())[:1])
    await site.recorder.keep_index()
    await site.restoring.bring_back()
    site.clock.jump(timedelta(days=365))
    for _ in range(2):
        site.clock.advance(31)
        await site.recorder.keep_index()
    assert path.exists()
    assert (await site.copies())[0]["restored_until"] is not None


async def test_what_was_not_put_in_its_place_takes_nothing_from_there(site: Site, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [path] = await gone_with_copies(site, film, 1)
    await asked(site, (await site.copies())[:1])
    path.write_bytes(b"another")

    class Away(PostgresSegments):
        async def last_link(self, camera_id: UUID) -> str:
            raise Unavailable("The database is not reachable at the moment.")

    site.restoring._segments = Away
    with pytest.raises(Unavailable):
        await site.restoring.bring_back()
    assert path.read_bytes() == b"another"
    assert list(path.parent.glob("*.part")) == []


async def test_what_waits_to_be_copied_is_spared_by_days_and_not_by_room(site: Site, film: Path) -> None:
    await site.mark(retention_days=1)
    path = site.record(film, 0)
    site.record(film, 29)
    await site.recorder.keep_index()
    site.copying._archive = away(site)
    with pytest.raises(Unavailable):
        await site.copying.copy_some()
    site.clock.advance(timedelta(days=2))
    await site.recorder.keep_index()
    assert path.exists()
    site.max_bytes = path.stat().st_size
    site.restart()
    await site.recorder.keep_index()
    assert not path.exists()
    await site.look()
    assert [row["reason"] for row in await site.copies()] == ["lost", None]


class TestRights:
    async def test_a_range_is_bounded_and_must_have_copies(self, site: Site, film: Path) -> None:
        at = site.clock.now()

        async def status(since: datetime, until: datetime) -> int:
            body = {"camera_id": str(site.camera), "from": since.isoformat(), "to": until.isoformat()}
            return (await site.post(RESTORE, body)).status_code

        assert await status(at, at) == 422
        assert await status(at - timedelta(hours=25), at) == 422
        assert await status(at - timedelta(hours=1), at) == 404

    async def test_other_tenants_and_groups_find_nothing(self, site: Site, film: Path) -> None:
        await gone_with_copies(site, film, 1)
        rows = (await site.copies())[:1]
        job = await asked(site, rows)
        mint = site.running.mint
        path = f"{RESTORES}/{job['restore_id']}"
        body = {"camera_id": str(site.camera), "from": job["from"], "to": job["to"]}
        for stranger in (mint.caller(tenant_id=new_id()), mint.caller(tenant_id=site.tenant, groups=(new_id(),))):
            headers = mint.headers(stranger)
            assert (await site.running.http.get(path, headers=headers)).status_code == 404
            assert (await site.running.http.post(RESTORE, json=body, headers=headers)).status_code == 404
            assert (await site.running.http.get(RESTORES, headers=headers)).json()["items"] == []

    async def test_what_was_asked_for_is_listed_page_by_page_for_who_may_see_the_camera(self, site: Site, film: Path) -> None:
        group = new_id()
        await gone_with_copies(site, film, 1)
        event = registered(site.running, site.tenant, site.camera, site.revision + 1, groups=(group,))
        await announce(site.running, event)
        [row] = (await site.copies())[:1]
        made = [(await asked(site, [row]))["restore_id"] for _ in range(3)]
        first = (await site.get(RESTORES, limit="2")).json()
        second = (await site.get(RESTORES, limit="2", cursor=first["next"])).json()
        assert [job["restore_id"] for job in (*first["items"], *second["items"])] == made[::-1]
        assert second["next"] is None
        mint = site.running.mint
        headers = mint.headers(mint.caller(tenant_id=site.tenant, groups=(group,)))
        assert len((await site.running.http.get(RESTORES, headers=headers)).json()["items"]) == 3

    async def test_asking_is_on_record_once_and_a_repeat_asks_for_nothing_more(self, site: Site, film: Path) -> None:
        await gone_with_copies(site, film, 1)
        [row] = (await site.copies())[:1]
        body = {"camera_id": str(site.camera), "from": row["started_at"].isoformat(), "to": row["ended_at"].isoformat()}
        headers = site.running.mint.headers(site.running.mint.caller(tenant_id=site.tenant)) | {"Idempotency-Key": "one"}
        answers = [await site.running.http.post(RESTORE, json=body, headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json()["restore_id"] == answers[1].json()["restore_id"]
        assert answers[1].headers["idempotency-replayed"] == "true"
        restores = await site.rows("SELECT * FROM restores WHERE tenant_id = :tenant")
        assert len(restores) == 1
        [told] = await site.rows("SELECT body FROM outbox WHERE tenant_id = :tenant AND body LIKE '%recordings.restored%'")
        assert str(site.camera) in told["body"]
