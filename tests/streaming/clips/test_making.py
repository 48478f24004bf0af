"""Tests of clips from the request to the file: on real files, PostgreSQL and an object store in a folder."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.city.trusting import trusting
from tests.ledger import audit_entries
from tests.streaming.clips.conftest import FRAMES_A_S, Site, a_site, make_film, probe
from tests.streaming.conftest import CLOCK, Running

from chassis.settings import ObjectsSettings
from city.trusted_time import TrustedTime
from gtvision.errors import Unavailable
from gtvision.time import FakeClock
from streaming.clips.repository import PostgresClips

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]


async def until(found: Callable[[], Awaitable[bool]], within_s: float = 30) -> None:
    """Waits for a condition."""
    async with asyncio.timeout(within_s):
        while not await found():
            await asyncio.sleep(0.02)


async def a_made_clip(site: Site, from_s: float, to_s: float) -> dict[str, Any]:
    await site.index()
    ordered = await site.order(from_s, to_s)
    await site.worker().make_waiting()
    return await site.clip(ordered["clip_id"])


async def test_one_file_of_several_with_its_gaps_closed_and_listed(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    for at_s in (0, 4, 20):
        site.record(film, at_s)
    clip = await a_made_clip(site, 1.7, 22.5)
    assert (clip["state"], clip["progress"], clip["reason"]) == ("ready", 1, None)
    [file] = site.stored()
    assert (clip["size_bytes"], clip["sha256"]) == (file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest())
    found = probe(file)
    # it begins with the key frame of second 1; seven seconds of the first two files, and two and a half of the third
    assert (found.codecs, found.frames, found.complaints) == (["aac", "h264"], 7 * FRAMES_A_S + 38, "")
    assert found.duration_s == pytest.approx(9.5, abs=0.1)
    assert [(site.seconds(span["from"]), site.seconds(span["to"])) for span in clip["gaps"]] == [(8, 20)]
    spans = [(site.seconds(span["from"]), site.seconds(span["to"])) for span in clip["recorded"]]
    assert spans == [(1, 8), (20, pytest.approx(22.5, abs=0.1))]
    assert clip["audio"] == "aac"
    head = file.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat"), "a browser plays it while it loads"
    assert not list(site.work.iterdir())


async def test_it_is_on_record_as_done_by_who_asked(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    await site.index()
    who = site.caller()
    answer = await site.ask("POST", "", who, json=site.asking(0, 4), headers={"x-purpose": "crime"})
    assert answer.status_code == 202
    await site.worker().make_waiting()
    clip = await site.clip(answer.json()["clip_id"])
    [record] = await audit_entries(running.db, site.tenant)
    said = record.data
    assert (said.action, said.object_kind, said.object_id, record.camera_id) == ("export.made", "clip", clip["clip_id"], site.camera)
    assert (said.actor_id, said.session_id, said.actor_role, said.purpose) == (who.user_id, who.session_id, "operator", "crime")
    assert said.details == {"sha256": clip["sha256"], "size_bytes": str(clip["size_bytes"])}
    assert said.range_from is not None
    assert (said.range_from - site.start).total_seconds() == 0


async def test_states_are_told_live_without_saying_what_is_shown(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    clip = await a_made_clip(site, 0, 4)
    tenant, topic, message = site.live.published[-1]
    assert (tenant, topic) == (site.tenant, "system")
    assert message == {"kind": "clip", "clip_id": clip["clip_id"], "state": "ready", "progress": 1.0}


async def test_the_file_that_is_being_written_counts_up_to_its_last_whole_part(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    whole = film.read_bytes()
    site.record(film, 4, torn=len(whole) - whole.rindex(b"mdat") - 500)  # in the middle of its last second
    clip = await a_made_clip(site, 0, 8)
    found = probe(site.stored()[0])
    assert clip["state"] == "ready"
    assert found.complaints == ""
    assert 7 * FRAMES_A_S <= found.frames < 8 * FRAMES_A_S


async def test_a_range_without_pictures_makes_no_clip(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    path = site.record(film, 0)
    await site.index()
    ordered = await site.order(0, 4)
    path.unlink()
    await site.worker().make_waiting()
    clip = await site.clip(ordered["clip_id"])
    assert (clip["state"], clip["reason"]) == ("failed", "no_recording")
    assert site.live.published[-1][2]["state"] == "failed"


async def test_another_resolution_in_between_is_said_with_its_instant(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    site.record(make_film(tmp_path / "other.mp4", size="640x360"), 4)
    clip = await a_made_clip(site, 0, 8)
    assert (clip["state"], clip["reason"], site.seconds(clip["format_changed_at"])) == ("failed", "format_changed", 4)
    for from_s, to_s in ((0.0, 4.0), (4.0, 8.0)):  # the remedy that the answer gives
        assert (await a_made_clip(site, from_s, to_s))["state"] == "ready"


async def test_what_would_be_too_large_is_not_made(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path, max_bytes=film.stat().st_size - 10_000)
    site.record(film, 0)
    clip = await a_made_clip(site, 0, 4)
    assert (clip["state"], clip["reason"]) == ("failed", "too_large")
    assert site.stored() == list(site.work.iterdir()) == []


async def test_without_room_above_the_floor_it_waits_and_says_so(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path, free_floor=1.0)
    site.record(film, 0)
    await site.index()
    ordered = await site.order(0, 4)
    worker = site.worker()
    for _ in range(5):  # oftener than a clip may kill its workers
        await worker.make_waiting()
        clip = await site.clip(ordered["clip_id"])
        assert (clip["state"], clip["reason"]) == ("queued", "no_room")
        assert 0 < worker._folder.wanted_bytes() <= film.stat().st_size, "retention makes room for it"
        assert list(site.work.iterdir()) == []
        site.clock.advance(31)
    site.free_floor = 0.0
    worker = site.worker()
    await worker.make_waiting()
    clip = await site.clip(ordered["clip_id"])
    assert (clip["state"], clip["reason"], worker._folder.wanted_bytes()) == ("ready", None, 0)


async def test_what_a_clip_without_room_wants_is_forgotten_when_it_is_given_up(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path, free_floor=1.0)
    site.record(film, 0)
    await site.index()
    ordered = await site.order(0, 4)
    worker = site.worker()
    await worker.make_waiting()
    assert (await site.ask("POST", f"/{ordered['clip_id']}/cancel")).status_code == 200
    site.clock.advance(61)
    await worker.make_waiting()
    assert worker._folder.wanted_bytes() == 0


async def test_a_worker_that_died_is_followed_by_another(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    await site.index()
    ordered = await site.order(0, 4)
    dead = site.worker()
    await dead._folder.sweep()
    assert await dead._claim(site.tenant, ordered["clip_id"]) is not None  # and is gone before it has begun
    (site.work / f"{ordered['clip_id']}.mp4").write_bytes(b"half")
    await site.worker().make_waiting()
    assert (await site.clip(ordered["clip_id"]))["state"] == "running", "its lease has not ended"
    site.clock.advance(31)
    await site.worker().make_waiting()
    assert (await site.clip(ordered["clip_id"]))["state"] == "ready"
    assert probe(site.stored()[0]).frames == 4 * FRAMES_A_S
    assert not list(site.work.iterdir())


async def test_a_clip_that_kills_its_workers_is_given_up(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    await site.index()
    ordered = await site.order(0, 4)
    for _ in range(3):
        assert await site.worker()._claim(site.tenant, ordered["clip_id"]) is not None
        site.clock.advance(31)
    await site.worker().make_waiting()
    clip = await site.clip(ordered["clip_id"])
    assert (clip["state"], clip["reason"]) == ("failed", "gave_up")


async def test_a_worker_that_was_only_slow_writes_nothing(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    await site.index()
    ordered = await site.order(0, 4)
    slow = site.worker()
    held = await slow._claim(site.tenant, ordered["clip_id"])
    assert held is not None
    site.clock.advance(31)
    await site.worker().make_waiting()
    assert not await slow._renew(held)
    assert (await site.clip(ordered["clip_id"]))["state"] == "ready"


async def a_running_clip(site: Site, long_film: Path) -> tuple[dict[str, Any], asyncio.Task[None]]:
    """Returns a clip whose file is being cut, and its worker."""
    for minute in range(30):
        site.record(long_film, minute * 20, lasts_s=60)
    await site.index()
    ordered = await site.order(0, 600)

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    site.store.put_file = never  # so that a fast worker is not done before it is stopped
    worker = asyncio.create_task(site.worker().make_waiting())
    await until(lambda: asyncio.to_thread(lambda: any(file.stat().st_size for file in site.work.glob("*.mp4"))))
    return ordered, worker


async def test_a_cancelled_clip_stops_and_leaves_nothing_behind(running: Running, tmp_path: Path, long_film: Path) -> None:
    site = await a_site(running, tmp_path)
    ordered, worker = await a_running_clip(site, long_film)
    answer = await site.ask("POST", f"/{ordered['clip_id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    await worker
    assert (await site.clip(ordered["clip_id"]))["state"] == "cancelled"
    assert site.stored() == list(site.work.iterdir()) == []
    again = await site.ask("POST", f"/{ordered['clip_id']}/cancel")
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


async def test_an_agent_that_ends_lets_the_next_one_begin_at_once(running: Running, tmp_path: Path, long_film: Path) -> None:
    site = await a_site(running, tmp_path)
    ordered, worker = await a_running_clip(site, long_film)
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker
    assert (await site.clip(ordered["clip_id"]))["state"] == "queued"
    assert not list(site.work.iterdir())
    del site.store.put_file
    site.clock.advance(16)
    await site.worker().make_waiting()
    assert (await site.clip(ordered["clip_id"]))["state"] == "ready"


async def test_without_its_object_store_a_clip_waits(running: Running, tmp_path: Path, film: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    site = await a_site(running, tmp_path, objects=ObjectsSettings(url=(closed / "objects").as_uri()))
    site.record(film, 0)
    await site.index()
    ordered = await site.order(0, 4)
    (closed / "objects").rmdir()
    (closed / "objects").write_bytes(b"")  # a file where a folder should be
    for _ in range(5):
        with pytest.raises(Unavailable):
            await site.worker().make_waiting()
        assert (await site.clip(ordered["clip_id"]))["state"] == "queued"
        site.clock.advance(16)
    (closed / "objects").unlink()
    (closed / "objects").mkdir()
    await site.worker().make_waiting()
    assert (await site.clip(ordered["clip_id"]))["state"] == "ready"


async def test_a_clip_expires_with_its_file(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    clip = await a_made_clip(site, 0, 4)
    site.clock.advance(timedelta(days=7) - timedelta(minutes=1))
    await site.tidying().tidy()
    assert len(site.stored()) == 1
    site.clock.advance(60)
    await site.tidying().tidy()
    assert (await site.clip(clip["clip_id"]))["state"] == "expired"
    assert site.stored() == []
    assert site.live.published[-1][2]["state"] == "expired"
    answer = await site.ask("GET", f"/{clip['clip_id']}/download")
    assert (answer.status_code, answer.json()["code"]) == (409, "clip_not_ready")


async def test_a_clock_that_jumps_ends_no_clip(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    clip = await a_made_clip(site, 0, 4)
    tidying = site.tidying()
    tidying._trusted_now = TrustedTime(running.db.uow, site.clock).now
    site.clock.jump(timedelta(days=365))
    await tidying.tidy()
    site.clock.jump(-timedelta(days=365))
    assert len(site.stored()) == 1
    assert (await site.clip(clip["clip_id"]))["state"] == "ready"


async def test_a_clip_that_was_deleted_goes_also_while_the_trusted_time_stands_still(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    clip = await a_made_clip(site, 0, 4)
    assert (await site.ask("DELETE", f"/{clip['clip_id']}")).status_code == 204
    tidying, stands_at = site.tidying(), site.clock.now() - timedelta(days=1)
    tidying._trusted_now = trusting(FakeClock(stands_at))
    site.clock.advance(31)
    await tidying.tidy()
    assert site.stored() == []


async def test_a_clip_whose_file_is_there_yet_takes_room_yet(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    await site.index()
    ordered = await site.order(0, 4)
    site.clock.jump(-timedelta(days=30))
    await site.worker().make_waiting()
    clip = await site.clip(ordered["clip_id"])
    assert datetime.fromisoformat(clip["expires_at"]) < CLOCK.now()
    async with running.db.uow(site.tenant) as uow:
        assert await PostgresClips(uow).kept_bytes() == clip["size_bytes"] > 0


async def test_the_object_of_a_clip_that_was_cancelled_without_a_worker_goes(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    await site.index()
    ordered = await site.order(0, 4)
    held = await site.worker()._claim(site.tenant, ordered["clip_id"])
    assert held is not None
    assert held.object_key is not None
    await site.store.put(held.object_key, b"sent before its worker died")
    assert (await site.ask("POST", f"/{ordered['clip_id']}/cancel")).status_code == 200
    await site.tidying().tidy()
    assert len(site.stored()) == 1, "its worker may be alive until its lease ends"
    site.clock.advance(31)
    await site.tidying().tidy()
    assert site.stored() == []


async def test_clips_that_ended_long_ago_are_forgotten(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    site.record(film, 0)
    clip = await a_made_clip(site, 0, 4)
    site.clock.advance(timedelta(days=91))
    await site.tidying().tidy()
    assert (await site.ask("GET", f"/{clip['clip_id']}")).status_code == 404
    assert site.stored() == []


async def test_a_city_with_many_clips_does_not_hold_up_another(running: Running, tmp_path: Path, film: Path) -> None:
    busy, other = await a_site(running, tmp_path), await a_site(running, tmp_path)
    await busy.worker().make_waiting()
    for site in (busy, other):
        site.record(film, 0)
        await site.index()
    orders = [await busy.order(0, 4) for _ in range(3)] + [await other.order(0, 4)]
    waiting = await busy.worker()._queue.waiting(busy.clock.now())
    assert [str(clip_id) for _, clip_id in waiting] == [orders[number]["clip_id"] for number in (0, 3, 1, 2)]
    await busy.worker().make_waiting()
    assert {(await busy.clip(order["clip_id"]))["state"] for order in orders[:3]} == {"ready"}
