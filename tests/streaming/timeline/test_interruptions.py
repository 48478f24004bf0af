"""Tests of interruptions by the reconciler's judgement, on a real database with a media server that a test steers."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.streaming.timeline.conftest import LOOK, Site, instants

from gtvision.camera import RecordingSettings
from gtvision.ids import new_id
from gtvision.time import FakeClock
from streaming.app import create_api
from streaming.settings import ApiSettings
from streaming.streams.repository import PostgresFleet
from streaming.streams.usecases import Reconciler
from streaming.timeline.repository import PostgresInterruptions, PostgresWatches
from streaming.timeline.tables import InterruptionRow, WatchRow
from streaming.timeline.usecases import StreamInterruptions

pytestmark = [pytest.mark.db, pytest.mark.broker]

SECOND = timedelta(seconds=1)


async def gaps(site: Site, since: datetime) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await site.timeline(since, site.now()))["gaps"]
    return items


def restart(site: Site) -> StreamInterruptions:
    """The reconciler begins anew, without what was in memory, as after a crash. Returns what it watches with."""
    running, old = site.running, site.running.reconciler
    interruptions = StreamInterruptions(running.db.uow, PostgresInterruptions, PostgresWatches(running.db), "media-1")
    running.reconciler = Reconciler(
        PostgresFleet(running.db),
        running.media,
        old._paths,
        old._streams,
        clock=running.clock,
        stall_after=timedelta(seconds=10),
        followers=[interruptions.follow],
    )
    return interruptions


@pytest.fixture
async def going(site: Site) -> Site:
    """A camera that sends, recorded until now."""
    await site.register()
    await site.be_known_for_long()
    await site.running.reconciler.reconcile()
    await site.looks(3)
    return site


@pytest.mark.parametrize(
    ("available", "cause", "detail"), [(True, "camera", "no_progress"), (False, "network", "unreachable")], ids=["frozen", "away"]
)
async def test_an_interruption_begins_with_the_last_progress(going: Site, available: bool, cause: str, detail: str) -> None:
    last = going.now()
    await going.looks(20, sends=False, available=available)
    [gap] = await gaps(going, last)
    assert (gap["cause"], gap["detail"], instants([gap])) == (cause, detail, [(last, going.now())])
    await going.looks(1)
    back = going.now()
    await going.looks(20)
    told = await gaps(going, last)
    assert instants(told)[0] == (last, back)
    assert (told[0]["cause"], told[1]["cause"]) == (cause, "unknown")


async def test_a_media_server_that_is_away_is_the_node_s_doing(going: Site) -> None:
    last, going.running.media.down = going.now(), True
    try:
        await going.looks(10, sends=False)
    finally:
        going.running.media.down = False
    [gap] = await gaps(going, last)
    assert (gap["cause"], gap["detail"]) == ("node", "media_server_down")


async def test_a_media_server_that_was_restarted_between_two_looks_is_the_node_s_doing_too(going: Site) -> None:
    last = going.now()
    going.running.media.configured.clear()  # what is added by its API does not outlive it
    await going.looks(1, sends=False, available=False)
    going.sent = 0
    await going.looks(30)
    gap = (await gaps(going, last))[0]
    assert (gap["cause"], gap["detail"], instants([gap])) == ("node", "media_server_down", [(last, last + 4 * SECOND)])


async def test_a_camera_that_stands_still_within_a_file_is_not_recorded_meanwhile(going: Site) -> None:
    begin, still = going.now() - 20 * SECOND, going.now()
    await going.looks(12, sends=False)
    await going.looks(10)
    back = still + 13 * LOOK
    end = going.now()
    await going.record(begin, end, file_s=600)
    told = await going.timeline(begin, end)
    assert instants(told["recorded"]) == [(begin, still), (back, end)]
    assert [(gap["cause"], gap["detail"]) for gap in told["gaps"]] == [("camera", "no_progress")]
    assert instants(told["gaps"]) == [(still, back)]
    within = await going.timeline(still + LOOK, back - LOOK)
    assert (within["recorded"], [gap["cause"] for gap in within["gaps"]]) == ([], ["camera"])


async def test_a_camera_that_stood_still_between_two_files_loses_nothing_of_them(going: Site) -> None:
    begin, still = going.now() - 20 * SECOND, going.now()
    await going.looks(12, sends=False)
    await going.looks(10)
    back, end = still + 12.5 * LOOK, going.now()  # within a look of where the interruption begins and ends
    await going.record(begin, still + SECOND, file_s=600)
    await going.record(back, end, file_s=600)
    assert instants((await going.timeline(begin, end))["recorded"]) == [(begin, still + SECOND), (back, end)]


async def test_a_short_outage_is_one_too_while_the_clock_goes_on_during_a_look(going: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(FakeClock):
        def now(self) -> datetime:
            going.clock.advance(0.001)
            return going.clock.now()

    monkeypatch.setattr(going.running.reconciler, "_clock", Clock(going.now()))
    last = going.now()
    await going.looks(1, sends=False, available=False)
    await going.looks(8)
    assert ("network", "unreachable") in {(gap["cause"], gap["detail"]) for gap in await gaps(going, last)}


@pytest.mark.parametrize("looks_away", [0, 1], ids=["between_two_looks", "at_a_look"])
async def test_a_short_outage_is_one_too(going: Site, looks_away: int) -> None:
    last = going.now()
    await going.looks(looks_away, sends=False, available=False)
    going.sent = 0
    await going.looks(30)
    [gap, later] = await gaps(going, last)
    assert (gap["cause"], gap["detail"], later["cause"]) == ("network", "unreachable", "unknown")
    assert instants([gap]) == [(last, last + (looks_away + 1) * 2 * SECOND)]


async def test_a_camera_that_reconnects_all_the_time_is_one_interruption(going: Site) -> None:
    last = going.now()
    for _ in range(5):
        going.sent = 0
        await going.looks(8)
    async with going.running.db.uow(going.tenant) as uow:
        mine = select(func.count()).select_from(InterruptionRow).where(InterruptionRow.camera_id == going.camera)
        assert (await uow.session.execute(mine)).scalar_one() == 1
    assert {gap["cause"] for gap in await gaps(going, last)} == {"network"}


async def test_a_connection_that_has_caught_up_between_two_looks_was_interrupted(going: Site) -> None:
    connected = going.running.media.connected
    connected[going.path] = going.now()
    await going.looks(2)
    last = going.now()
    connected[going.path] = going.now() + SECOND
    await going.looks(1)  # its counter has passed what it was before
    back = going.now()
    await going.looks(30)
    [gap, later] = await gaps(going, last)
    assert (gap["cause"], instants([gap]), later["cause"]) == ("network", [(last, back)], "unknown")


async def test_a_stream_that_breaks_off_again_and_again_is_unstable_until_it_goes_on(going: Site) -> None:
    states = [await going.state()]
    for _ in range(6):
        await going.looks(2, sends=False, available=False)
        going.sent = 0
        await going.looks(6)
        states.append(await going.state())
    assert states == [("online", None)] * 3 + [("degraded", "unstable")] * 4
    await going.looks(50)
    assert await going.state() == ("degraded", "unstable")
    await going.looks(15)
    assert await going.state() == ("online", None)


async def test_a_media_server_that_restarts_makes_no_camera_unstable(going: Site) -> None:
    for _ in range(5):
        going.running.media.down = True
        try:
            await going.looks(2, sends=False)
        finally:
            going.running.media.down = False
        going.sent = 0
        await going.looks(6)
    assert await going.state() == ("online", None)


async def test_switching_off_is_the_operator_s_doing(going: Site) -> None:
    last = going.now()
    for changes, detail in (({"recording": RecordingSettings(enabled=False)}, "recording_off"), ({"enabled": False}, "disabled")):
        await going.register(**changes)
        await going.looks(20)
        told = [gap for gap in await gaps(going, last) if gap["detail"] == detail][-1]
        assert (told["cause"], told["detail"]) == ("operator", detail)
    await going.register()
    await going.looks(2)
    assert {gap["cause"] for gap in await gaps(going, last)} == {"operator"}


async def test_a_reconciler_that_starts_anew_neither_repeats_nor_forgets(going: Site) -> None:
    last = going.now()
    await going.looks(10, sends=False, available=False)
    restart(going)
    await going.looks(10, sends=False, available=False)
    [gap] = await gaps(going, last)
    assert (gap["cause"], instants([gap])) == ("network", [(last, going.now())])
    await going.looks(2)
    back = going.now()  # the first look only sets the mark
    await going.looks(20)
    assert instants(await gaps(going, last))[0][1] == back


async def test_a_time_that_nobody_watched_is_the_node_s(going: Site) -> None:
    last = going.now()
    going.clock.advance(120)
    await going.looks(20)
    told = await gaps(going, last)
    assert (told[0]["cause"], told[0]["detail"]) == ("node", "not_watched")
    assert instants(told)[0][1] >= last + 120 * SECOND


async def test_the_time_from_a_stop_on_purpose_to_the_next_start_is_planned(going: Site) -> None:
    last, watching = going.now(), restart(going)
    await going.looks(4, sends=False, available=False)
    await watching.stop(going.now())
    stopped = going.now()
    going.clock.advance(5)
    assert (await gaps(going, last))[-1]["detail"] == "stopped", "it is said at once"
    going.clock.advance(600)
    assert [(gap["cause"], gap["detail"]) for gap in await gaps(going, stopped + 300 * SECOND)] == [("planned", "stopped")]
    restart(going)
    await going.looks(2)
    started = going.now() - LOOK
    await going.looks(20)
    planned, later = await gaps(going, stopped)
    assert (planned["cause"], planned["detail"], instants([planned])) == ("planned", "stopped", [(stopped, started)])
    assert later["cause"] == "unknown"


async def test_a_crash_after_a_start_is_not_planned(going: Site) -> None:
    await restart(going).stop(going.now())
    going.clock.advance(60)
    await going.looks(4)
    restart(going)
    await going.looks(4)
    crashed = going.now()
    going.clock.advance(120)
    restart(going)
    await going.looks(20)
    told = await gaps(going, crashed)
    assert (told[0]["cause"], told[0]["detail"]) == ("node", "not_watched")


async def test_what_goes_on_while_another_process_stops_is_no_stop(going: Site) -> None:
    stopping = restart(going)
    await going.looks(4)
    restart(going)
    await going.looks(4)
    await stopping.stop(going.now())
    stopped = going.now()
    await going.looks(40)
    assert {gap["cause"] for gap in await gaps(going, stopped)} == {"unknown"}


async def test_what_the_operator_switched_off_stays_so_while_all_is_stopped_and_what_was_broken_does_not(going: Site) -> None:
    watching = restart(going)
    await going.looks(20, sends=False, available=False)
    await watching.stop(going.now())
    stopped = going.now()
    going.clock.advance(60)
    watching = restart(going)
    await going.looks(1)
    assert (await gaps(going, stopped))[0]["detail"] == "stopped"
    await going.register(enabled=False)
    await going.looks(2)
    await watching.stop(going.now())
    off = going.now()
    going.clock.advance(60)
    restart(going)
    await going.looks(4)
    assert {gap["detail"] for gap in await gaps(going, off)} == {"disabled"}


async def test_an_api_that_is_told_to_stop_writes_that_down(site: Site) -> None:
    settings = site.running.service.settings
    assert isinstance(settings, ApiSettings)
    node = f"node-{new_id()}"
    mine = select(WatchRow.stopped).where(WatchRow.node == node)

    async def stopped() -> bool | None:
        async with site.running.db.uow(None) as uow:
            return (await uow.session.execute(mine)).scalar_one_or_none()

    service = create_api(settings.model_copy(update={"edge": settings.edge.model_copy(update={"node": node})}))
    async with service.started(), asyncio.timeout(30):
        while await stopped() is None:
            await asyncio.sleep(0.1)
        assert await stopped() is False
    assert await stopped() is True
