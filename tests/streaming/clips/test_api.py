"""Tests of clips over HTTP: bounds, rights, the list, the download and its link."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest
from tests.ledger import audit_entries
from tests.streaming.buckets import on_s3
from tests.streaming.clips.conftest import Site, a_site
from tests.streaming.conftest import CLOCK, Running, announce, registered

from chassis.envelope import wrap
from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from city.tenants import KnownTenant, TenantDirectory
from gtvision.events import CameraRemoved
from gtvision.ids import new_id
from gtvision.tenancy import Purposes, Role, TenantSettings
from streaming.clips.usecases import Clips
from streaming.gateways.object_files import ObjectFiles

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]


@pytest.fixture
async def site(running: Running, tmp_path: Path, film: Path) -> Site:
    """Twelve seconds of recordings, indexed."""
    made = await a_site(running, tmp_path)
    for at_s in (0, 4, 8):
        made.record(film, at_s)
    await made.index()
    return made


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_clip_is_queued_as_it_was_asked_for(site: Site) -> None:
    clip = await site.order(1, 5, name="  Colisão na ponte  ")
    assert (clip["state"], clip["progress"], clip["name"]) == ("queued", 0, "Colisão na ponte")
    assert [site.seconds(clip[end]) for end in ("from", "to")] == [1, 5]
    assert {name: clip[name] for name in ("size_bytes", "sha256", "reason", "recorded", "gaps", "expires_at")} == dict.fromkeys(
        ("size_bytes", "sha256", "reason", "recorded", "gaps", "expires_at")
    )
    assert await site.clip(clip["clip_id"]) == clip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"to": "2020-01-01T00:00:00Z"}, (422, "invalid"), id="backwards"),
        pytest.param({"from": "2020-01-01T00:00:00"}, (422, "invalid"), id="no-zone"),
        pytest.param({"from": "2020-01-01T00:00:00Z", "to": "2020-01-01T02:00:01Z"}, (422, "clip_too_long"), id="too-long"),
        pytest.param({"from": "2020-01-01T00:00:00Z", "to": "2020-01-01T02:00:00Z"}, (404, "no_recording"), id="nothing-recorded"),
        pytest.param({"from": "2199-01-01T00:00:00Z", "to": "2199-01-01T01:00:00Z"}, (404, "no_recording"), id="in-the-future"),
        pytest.param({"name": " \u200b "}, (422, "invalid"), id="unseen-name"),
        pytest.param({"name": "x" * 121}, (422, "invalid"), id="long-name"),
        pytest.param({"camera_id": "01900000-0000-7000-8000-000000000000"}, (404, "not_found"), id="no-such-camera"),
        pytest.param({"speed": 2}, (422, "invalid"), id="unknown-field"),
    ],
)
async def test_what_cannot_be_a_clip_is_refused(site: Site, changes: dict[str, Any], expected: tuple[int, str]) -> None:
    assert refusal(await site.ask("POST", "", json=site.asking(0, 4) | changes)) == expected


async def test_what_lies_in_the_future_is_cut_off(site: Site, film: Path) -> None:
    since = CLOCK.now() - timedelta(minutes=1)
    site.record(film, (since - site.start).total_seconds() + 10)
    await site.index()
    body = site.asking(0, 4) | {"from": since.isoformat(), "to": (since + timedelta(hours=1)).isoformat()}
    answer = await site.ask("POST", "", json=body)
    assert answer.status_code == 202, answer.text
    assert site.seconds(answer.json()["to"]) <= (CLOCK.now() - site.start).total_seconds()


async def test_the_file_that_is_being_written_is_a_recording(running: Running, tmp_path: Path, film: Path) -> None:
    site = await a_site(running, tmp_path)
    written_s = (site.clock.now() - site.start).total_seconds() - 4
    site.record(film, written_s)
    await site.watch_open_files()
    assert (await site.order(written_s + 1, written_s + 3))["state"] == "queued"
    assert refusal(await site.ask("POST", "", json=site.asking(0, 60))) == (404, "no_recording")


@contextmanager
def changed(running: Running, **parts: Any) -> Iterator[None]:
    """Has the API work with other parts of `Clips`."""
    provided = running.service.api.state.provided
    ours, theirs = provided[Clips], copy(provided[Clips])
    vars(theirs).update(parts)
    provided[Clips] = theirs
    try:
        yield
    finally:
        provided[Clips] = ours


async def test_the_clips_of_a_city_have_a_bound_together(running: Running, site: Site, film: Path) -> None:
    size = film.stat().st_size
    bounds = replace(running.service.api.state.provided[Clips]._bounds, city_bytes=int(2.7 * size))
    with changed(running, _bounds=bounds):
        first, second = [await site.order(0, 4) for _ in range(2)]
        full = await site.ask("POST", "", json=site.asking(0, 4))
        assert refusal(full) == (409, "clips_full"), "those that wait count as what they will have"
        assert "delete" in full.json()["detail"]
        assert (await site.ask("POST", "", json=site.asking(0, 2))).status_code == 202, "half of a file fits"
        assert (await site.ask("POST", f"/{second['clip_id']}/cancel")).status_code == 200
        await site.worker().make_waiting()
        third = await site.order(0, 4)
        full = await site.ask("POST", "", json=site.asking(0, 4))
        assert refusal(full) == (409, "clips_full")
        assert f"expires at {(await site.clip(first['clip_id']))['expires_at'][:16]}" in full.json()["detail"]
        assert (await site.ask("DELETE", f"/{first['clip_id']}")).status_code == 204
        fourth = await site.order(0, 4)
        assert {(await site.clip(each["clip_id"]))["state"] for each in (third, fourth)} == {"queued"}
        elsewhere = await a_site(running, site.folder)
        elsewhere.record(film, 0)
        await elsewhere.index()
        assert (await elsewhere.order(0, 4))["state"] == "queued", "another city has room of its own"


async def test_a_ready_clip_is_deleted_on_record(running: Running, site: Site) -> None:
    clip, link = await a_link(site)
    who = site.caller()
    for _ in range(2):
        answer = await site.ask("DELETE", f"/{clip['clip_id']}", who, headers={"x-purpose": "crime"})
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await site.clip(clip["clip_id"]))["state"] == "deleted"
    assert refusal(await site.ask("GET", f"/{clip['clip_id']}/download")) == (409, "clip_not_ready")
    assert refusal(await running.http.get(f"http://streaming{link}")) == (409, "clip_not_ready")
    site.clock.advance(31)
    await site.tidying().tidy()
    assert site.stored() == []
    assert (await site.clip(clip["clip_id"]))["state"] == "deleted"
    [*_, record] = [each for each in await audit_entries(running.db, site.tenant) if each.data.actor_id == who.user_id]
    assert (record.data.action, record.data.object_id, record.data.details["sha256"]) == ("export.deleted", clip["clip_id"], clip["sha256"])
    assert len([each for each in await audit_entries(running.db, site.tenant) if each.data.action == "export.deleted"]) == 1


async def test_what_is_still_to_be_made_is_not_deleted(site: Site) -> None:
    clip = await site.order(0, 4)
    assert refusal(await site.ask("DELETE", f"/{clip['clip_id']}")) == (409, "clip_not_ready")
    assert (await site.clip(clip["clip_id"]))["state"] == "queued"
    assert refusal(await site.ask("DELETE", f"/{new_id()}")) == (404, "not_found")


async def test_a_city_has_so_many_clips_waiting_at_most(site: Site) -> None:
    orders = await asyncio.gather(*(site.ask("POST", "", json=site.asking(0, 4)) for _ in range(23)))
    assert sorted(answer.status_code for answer in orders) == [202] * 20 + [429] * 3
    late = next(answer for answer in orders if answer.status_code == 429)
    assert (refusal(late), late.headers["retry-after"]) == ((429, "too_many_clips"), "30")
    first = next(answer for answer in orders if answer.status_code == 202).json()
    assert (await site.ask("POST", f"/{first['clip_id']}/cancel")).status_code == 200
    assert (await site.ask("POST", "", json=site.asking(0, 4))).status_code == 202


async def test_the_same_request_again_makes_nothing_again(site: Site) -> None:
    caller, key = site.caller(), {"idempotency-key": str(new_id())}
    first, again = [await site.ask("POST", "", caller, json=site.asking(0, 4), headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert (first.headers.get("idempotency-replayed"), again.headers.get("idempotency-replayed")) == (None, "true")
    assert len((await site.ask("GET", "")).json()["items"]) == 1
    other = await site.ask("POST", "", caller, json=site.asking(0, 5), headers=key)
    assert refusal(other) == (422, "idempotency_key_reused")


async def test_the_list_is_paged_newest_first(site: Site) -> None:
    made = [(await site.order(0, 4, name=f"Trecho {number}"))["clip_id"] for number in range(5)]
    found, cursor = [], None
    while True:
        page = (await site.ask("GET", "", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        found += [clip["clip_id"] for clip in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == made[::-1]
    assert (await site.ask("GET", "", params={"camera_id": str(new_id())})).json()["items"] == []


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.PLATFORM_ADMIN, 202), (Role.ADMIN, 202), (Role.OPERATOR, 202), (Role.VIEWER, 403), (Role.AUDITOR, 403), (Role.PARTNER, 403)],
)
async def test_who_may_make_clips(site: Site, role: Role, status: int) -> None:
    clip = await site.order(0, 4)
    who = site.caller(role)
    assert (await site.ask("POST", "", who, json=site.asking(0, 4))).status_code == status
    seen = 200 if status == 202 else 403
    assert (await site.ask("GET", "", who)).status_code == seen
    assert (await site.ask("GET", f"/{clip['clip_id']}", who)).status_code == seen
    assert (await site.ask("GET", f"/{clip['clip_id']}/download", who)).status_code == (409 if status == 202 else 403)
    assert (await site.ask("DELETE", f"/{clip['clip_id']}", who)).status_code == (409 if status == 202 else 403)
    assert (await site.ask("POST", f"/{clip['clip_id']}/cancel", who)).status_code == seen


async def test_other_groups_and_other_cities_have_no_such_clip(running: Running, site: Site) -> None:
    mine, other = new_id(), new_id()
    await announce(running, registered(running, site.tenant, site.camera, 2, groups=frozenset({mine})))
    clip = await site.order(0, 4)
    for who in (site.caller(groups=[other]), site.caller(groups=[]), running.mint.caller(Role.ADMIN, tenant_id=new_id())):
        assert refusal(await site.ask("POST", "", who, json=site.asking(0, 4))) == (404, "not_found")
        assert (await site.ask("GET", "", who)).json()["items"] == []
        for method, path in (("GET", ""), ("GET", "/download"), ("POST", "/cancel"), ("DELETE", "")):
            assert refusal(await site.ask(method, f"/{clip['clip_id']}{path}", who)) == (404, "not_found")
    within = site.caller(groups=[mine])
    assert (await site.ask("POST", "", within, json=site.asking(0, 4))).status_code == 202
    assert len((await site.ask("GET", "", within)).json()["items"]) == 2
    assert (await site.ask("GET", f"/{clip['clip_id']}", within)).status_code == 200


async def test_recordings_of_a_removed_camera_can_be_saved(running: Running, site: Site) -> None:
    removed = wrap(CameraRemoved(camera_id=site.camera, revision=2), tenant_id=site.tenant, occurred_at=CLOCK.now())
    await running.events.on_camera_removed(removed)
    clip = await site.order(0, 4)
    await site.worker().make_waiting()
    assert (await site.clip(clip["clip_id"]))["state"] == "ready"
    assert refusal(await site.ask("POST", "", site.caller(groups=[new_id()]), json=site.asking(0, 4))) == (404, "not_found")


async def test_clips_of_a_removed_camera_stay_with_who_may_see_its_group(running: Running, site: Site) -> None:
    group = new_id()
    await announce(running, registered(running, site.tenant, site.camera, 2, groups=frozenset({group})))
    within, other = site.caller(groups=[group]), site.caller(groups=[new_id()])
    clip, _ = await a_link(site)
    removed = wrap(CameraRemoved(camera_id=site.camera, revision=3), tenant_id=site.tenant, occurred_at=CLOCK.now())
    await running.events.on_camera_removed(removed)
    assert [each["clip_id"] for each in (await site.ask("GET", "", within)).json()["items"]] == [clip["clip_id"]]
    assert (await site.ask("GET", "", other)).json()["items"] == []
    assert (await site.ask("GET", f"/{clip['clip_id']}/download", within)).status_code == 302
    assert refusal(await site.ask("DELETE", f"/{clip['clip_id']}", other)) == (404, "not_found")
    assert (await site.ask("DELETE", f"/{clip['clip_id']}", within)).status_code == 204


async def test_a_city_that_requires_a_purpose_gets_it(running: Running, site: Site) -> None:
    directory: TenantDirectory = running.service.api.state.provided[TenantDirectory]
    settings = TenantSettings(purposes=Purposes(codes=("crime",), required=True))
    directory.learn(site.tenant, KnownTenant(name="Cidade", revision=1, settings=settings))
    assert refusal(await site.ask("POST", "", json=site.asking(0, 4))) == (422, "purpose_required")
    clip = (await site.ask("POST", "", json=site.asking(0, 4), headers={"x-purpose": "crime"})).json()
    assert refusal(await site.ask("GET", f"/{clip['clip_id']}/download")) == (422, "purpose_required")


async def test_a_clip_that_has_ended_cannot_be_cancelled(site: Site) -> None:
    clip = await site.order(0, 4)
    await site.worker().make_waiting()
    assert refusal(await site.ask("POST", f"/{clip['clip_id']}/cancel")) == (409, "clip_ended")
    assert refusal(await site.ask("POST", f"/{new_id()}/cancel")) == (404, "not_found")


# --- the download ------------------------------------------------------------------------------------------------------


async def a_link(site: Site) -> tuple[dict[str, Any], str]:
    """Returns a ready clip and its link, as a browser is sent there."""
    clip = await site.order(0, 8, name="Ponte / saída")
    await site.worker().make_waiting()
    answer = await site.ask("GET", f"/{clip['clip_id']}/download", headers={"x-purpose": "crime"})
    assert (answer.status_code, answer.headers["cache-control"]) == (302, "no-store")
    return await site.clip(clip["clip_id"]), answer.headers["location"]


async def test_the_link_needs_no_token_and_gives_the_file_under_its_name(running: Running, site: Site) -> None:
    clip, link = await a_link(site)
    answer = await running.http.get(f"http://streaming{link}")
    assert answer.status_code == 200
    assert answer.content == site.stored()[0].read_bytes()
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(clip["size_bytes"])
    assert "filename*=UTF-8''Ponte%20%20%20sa%C3%ADda.mp4" in answer.headers["content-disposition"]
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_pages_get_the_link_itself(running: Running, site: Site) -> None:
    clip, _ = await a_link(site)
    answer = await site.ask("GET", f"/{clip['clip_id']}/download", params={"redirect": "false"})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert (await running.http.get(f"http://streaming{answer.json()['url']}")).status_code == 200


async def test_the_link_is_the_buckets_own_where_browsers_reach_it(running: Running, tmp_path: Path, film: Path, s3: str) -> None:
    site = await a_site(running, tmp_path, objects=on_s3(s3))
    site.record(film, 0)
    await site.index()
    clip = await site.order(0, 4)
    await site.worker().make_waiting()
    with changed(running, _store=ObjectFiles(on_s3(s3), s3)):  # as CLIPS_S3_PUBLIC_ENDPOINT has it
        link = (await site.ask("GET", f"/{clip['clip_id']}/download")).headers["location"]
        told = (await site.ask("GET", f"/{clip['clip_id']}/download", params={"redirect": "false"})).json()
    assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == ["60"], "the store knows nothing of sessions that end"
    assert datetime.fromisoformat(told["expires_at"]) <= CLOCK.now() + timedelta(seconds=60)
    assert link.startswith(f"{s3}/exports/city/exports/{site.tenant}/{site.camera}/{site.start:%Y/%m/%d}/{clip['clip_id']}.mp4?")
    async with httpx.AsyncClient(trust_env=False, timeout=60) as browser:
        answer = await browser.get(link)
    assert hashlib.sha256(answer.content).hexdigest() == (await site.clip(clip["clip_id"]))["sha256"]
    assert "colis%C3%A3o.mp4" in answer.headers["content-disposition"]
    site.clock.advance(timedelta(days=8))
    await site.tidying().tidy()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as browser:
        assert (await browser.get(link)).status_code == 404


async def test_what_callers_do_is_told_live(running: Running, site: Site, redis_state: RedisSettings) -> None:
    async with connect_redis(redis_state.cache_url) as redis, redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(f"live:{site.tenant}:system")
        clip = await site.order(0, 4)
        await site.ask("POST", f"/{clip['clip_id']}/cancel")
        told: list[dict[str, Any]] = []
        async with asyncio.timeout(60):
            while len(told) < 2:
                message = await heard.get_message(timeout=1)
                told += [orjson.loads(message["data"])] if message else []
    assert told == [{"kind": "clip", "clip_id": clip["clip_id"], "state": state, "progress": 0} for state in ("queued", "cancelled")]


async def test_each_download_is_on_record(running: Running, site: Site) -> None:
    clip, _ = await a_link(site)
    made, fetched = await audit_entries(running.db, site.tenant)
    assert (made.data.action, fetched.data.action) == ("export.made", "export.downloaded")
    said = fetched.data
    assert (said.object_id, said.purpose, said.address, fetched.camera_id) == (clip["clip_id"], "crime", "203.0.113.9", site.camera)
    assert said.details == {"sha256": clip["sha256"], "size_bytes": str(clip["size_bytes"])}


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-99", 0, 99), ("bytes=100-", 100, None), ("bytes=-100", -100, None), ("bytes=5-99999999999", 5, None)],
)
async def test_the_link_takes_a_range_of_bytes(running: Running, site: Site, asked: str, first: int, last: int | None) -> None:
    clip, link = await a_link(site)
    whole = site.stored()[0].read_bytes()
    begin, end = first % len(whole), len(whole) - 1 if last is None else last
    answer = await running.http.get(f"http://streaming{link}", headers={"range": asked})
    assert answer.status_code == 206
    assert answer.content == whole[begin : end + 1]
    assert answer.headers["content-range"] == f"bytes {begin}-{end}/{clip['size_bytes']}"


async def test_ranges_that_are_none(running: Running, site: Site) -> None:
    clip, link = await a_link(site)
    beyond = await running.http.get(f"http://streaming{link}", headers={"range": f"bytes={clip['size_bytes']}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{clip['size_bytes']}")
    for asked in ("bytes=0-1,5-6", "bytes=9-5", "bytes=-", "lines=0-1", "bytes=a-b"):
        assert (await running.http.get(f"http://streaming{link}", headers={"range": asked})).status_code == 200
    tags = {f'"{clip["sha256"]}"': 206, '"another"': 200}
    for tag, status in tags.items():
        answer = await running.http.get(f"http://streaming{link}", headers={"range": "bytes=0-1", "if-range": tag})
        assert answer.status_code == status


async def test_a_link_is_good_for_its_clip_only_and_not_for_long(running: Running, site: Site) -> None:
    clip, link = await a_link(site)
    ticket = parse_qs(urlsplit(link).query)["ticket"][0]
    other = await site.order(0, 4)
    await site.worker().make_waiting()
    says = orjson.loads(running.vault.open(ticket, "clip download"))
    late = running.vault.seal(orjson.dumps(says | {"until": CLOCK.now().timestamp() - 1}).decode(), "clip download")
    url = running.vault.seal("rtsp://camera/1")  # another secret under the same key

    async def asked(clip_id: str, given: str | None) -> tuple[int, str]:
        params = {} if given is None else {"ticket": given}
        return refusal(await running.http.get(f"/recordings/clips/{clip_id}/file", params=params))

    assert await asked(other["clip_id"], ticket) == (401, "unauthenticated")
    assert await asked(clip["clip_id"], late) == (401, "token_expired")
    for forged in (None, "", "x", url, ticket[:-2], running.mint.token()):
        assert await asked(clip["clip_id"], forged) == (401, "unauthenticated")


async def test_a_link_ends_with_the_session_that_asked_for_it(running: Running, site: Site, redis_state: RedisSettings) -> None:
    clip, _ = await a_link(site)
    who = site.caller()
    link = (await site.ask("GET", f"/{clip['clip_id']}/download", who)).headers["location"]
    assert (await running.http.get(f"http://streaming{link}")).status_code == 200
    async with connect_redis(redis_state.state_url) as redis:
        await running.mint.revoke(redis, who.session_id)
    async with asyncio.timeout(60):
        while (answer := await running.http.get(f"http://streaming{link}")).status_code == 200:
            await asyncio.sleep(0.05)
    assert refusal(answer) == (401, "session_revoked")
