"""Tests of the timeline over HTTP: what is recorded, why the rest is not, and who may ask."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.ledger import audit_entries
from tests.streaming.timeline.conftest import Site, instants

from gtvision.ids import new_id
from gtvision.tenancy import Role
from streaming.timeline.repository import PostgresOpenFiles

pytestmark = [pytest.mark.db, pytest.mark.broker]

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


async def test_recorded_and_gaps_are_the_whole_range(site: Site) -> None:
    await site.register()
    start = site.now() - HOUR
    await site.record(start, start + 10 * MINUTE)
    await site.record(start + 20 * MINUTE, start + 30 * MINUTE)
    body = await site.timeline(start - 5 * MINUTE, start + 40 * MINUTE)
    assert instants(body["recorded"]) == [(start, start + 10 * MINUTE), (start + 20 * MINUTE, start + 30 * MINUTE)]
    assert [(gap["cause"], gap["detail"]) for gap in body["gaps"]] == [("operator", "not_registered")] * 3
    edges = sorted(instants(body["recorded"] + body["gaps"]))
    assert [edges[0][0], *(end for _, end in edges)] == [*(begin for begin, _ in edges), start + 40 * MINUTE]
    assert (body["recorded_s"], body["explained_s"], body["density"]) == (1200, 1500, None)
    assert body["written_to"] == body["recorded"][-1]["to"]


async def test_a_file_that_began_long_before_the_range_counts(site: Site) -> None:
    await site.register()
    start = site.now() - 20 * HOUR
    await site.record(start, start + 3 * HOUR, file_s=3 * 3600)
    body = await site.timeline(start + HOUR, start + 2 * HOUR)
    assert (body["recorded_s"], body["gaps"]) == (3600, [])


async def test_what_is_being_written_belongs_to_it_up_to_its_last_write(site: Site) -> None:
    await site.register()
    await site.be_known_for_long()
    now = site.now()
    await site.record(now - 10 * MINUTE, now - MINUTE)
    async with site.running.db.uow(site.tenant) as uow:
        await PostgresOpenFiles(uow).put({site.camera: ("x.mp4", now - MINUTE, now - 3 * SECOND)})
    body = await site.timeline(now - 10 * MINUTE, now + HOUR)
    assert instants(body["recorded"]) == [(now - 10 * MINUTE, now - 3 * SECOND)]
    assert (body["gaps"], body["to"], body["written_to"]) == ([], body["recorded"][0]["to"], body["recorded"][0]["to"])
    site.clock.advance(MINUTE)  # and if it is written no more, the time since is a gap
    body = await site.timeline(now - 10 * MINUTE, now + HOUR)
    assert instants(body["gaps"]) == [(now - 3 * SECOND, now + MINUTE)]


async def test_density_by_the_hour_and_a_year_by_the_day(site: Site) -> None:
    await site.register()
    hour = site.now().replace(minute=0, second=0, microsecond=0) - 3 * HOUR
    await site.record(hour + 30 * MINUTE, hour + 90 * MINUTE, file_s=600)
    body = await site.timeline(hour, hour + 3 * HOUR, resolution="hour")
    assert [each["recorded_s"] for each in body["density"]] == [1800, 1800, 0]
    assert len(body["recorded"]) == 1
    year = await site.timeline(hour - timedelta(days=360), hour + 3 * HOUR)
    assert (year["recorded"], year["gaps"], year["recorded_s"]) == ([], [], 3600)
    assert sum(each["recorded_s"] for each in year["density"]) == 3600
    assert len(year["density"]) in {361, 362}
    finest = await site.ask(hour - timedelta(days=40), hour, resolution="minute")
    assert (finest.status_code, finest.json()["code"]) == (422, "invalid")


async def test_a_removed_camera_keeps_its_timeline_and_its_list(site: Site) -> None:
    await site.register()
    start = site.now() - HOUR
    await site.record(start, start + 10 * MINUTE)
    site.clock.advance(MINUTE)
    await site.remove()
    removed = site.now()
    site.clock.advance(HOUR)
    body = await site.timeline(start, site.now())
    assert body["recorded_s"] == 600
    assert (body["gaps"][-1]["cause"], body["gaps"][-1]["detail"]) == ("operator", "removed")
    assert instants(body["gaps"])[-1] == (removed, site.now())
    params = {"camera_id": str(site.camera), "from": start.isoformat(), "to": site.now().isoformat()}
    for groups, status in ((None, 200), ((site.group,), 200), ((new_id(),), 404)):
        caller = site.caller(groups=groups)
        assert (await site.ask(start, site.now(), caller)).status_code == status
        listed = await site.running.http.get("/recordings", headers=site.running.mint.headers(caller), params=params)
        assert listed.status_code == status, listed.text


async def test_who_may_ask(site: Site) -> None:
    await site.register()
    now = site.now()
    stranger = site.running.mint.caller(tenant_id=new_id())
    other_group = site.caller(groups=(new_id(),))
    for caller, status in ((stranger, 404), (other_group, 404), (site.caller(groups=(site.group,)), 200), (site.caller(Role.PARTNER), 403)):
        assert (await site.ask(now - HOUR, now, caller)).status_code == status
    assert await audit_entries(site.running.db, site.tenant) == []


@pytest.mark.parametrize(("begins", "ends"), [(1, 2), (-1, -2), (-24 * 367, 0)], ids=["future", "backwards", "too_long"])
async def test_a_range_that_cannot_be_is_refused(site: Site, begins: int, ends: int) -> None:
    await site.register()
    answer = await site.ask(site.now() + begins * HOUR, site.now() + ends * HOUR)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
