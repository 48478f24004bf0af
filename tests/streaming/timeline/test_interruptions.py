"""Tests of interruptions by the reconciler's judgement, on a real database with a media server that a test steers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.streaming.timeline.conftest import Site, instants

from gtvision.camera import RecordingSettings
from streaming.streams.repository import PostgresFleet
from streaming.streams.usecases import Reconciler
from streaming.timeline.repository import PostgresInterruptions, PostgresWatches
from streaming.timeline.tables import InterruptionRow
from streaming.timeline.usecases import StreamInterruptions

pytestmark = [pytest.mark.db, pytest.mark.broker]

SECOND = timedelta(seconds=1)


async def gaps(site: Site, since: datetime) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await site.timeline(since, site.now()))["gaps"]
    return items


def restart(site: Site) -> None:
    """The reconciler begins anew, without what was in memory, as after a crash."""
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
