"""Tests of what is forgotten of the explanations, on a real database."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from tests.city.trusting import trusting
from tests.streaming.conftest import registered
from tests.streaming.timeline.conftest import Site

from gtvision.camera import RecordingSettings
from gtvision.events import GapCause
from gtvision.ids import new_id
from streaming.archive.domain import CopyState
from streaming.archive.tables import CopyRow
from streaming.streams.repository import PostgresFleet
from streaming.timeline.domain import Interruption, Source
from streaming.timeline.repository import PostgresInterruptions, PostgresWatches
from streaming.timeline.tables import InterruptionRow, WatchRow
from streaming.timeline.usecases import Pruning

pytestmark = [pytest.mark.db, pytest.mark.broker]

DAY = timedelta(days=1)


async def ended(site: Site, days_ago: int, camera: UUID | None = None) -> datetime:
    """An interruption of an hour. Returns when it ended."""
    at = site.now() - days_ago * DAY
    async with site.running.db.uow(site.tenant) as uow:
        began = Interruption(site.tenant, camera or site.camera, at - timedelta(hours=1), new_id(), GapCause.NETWORK, "unreachable")
        await PostgresInterruptions(uow).open(began, Source.STREAM, at)
    return at


async def known(site: Site) -> set[datetime | None]:
    """When the interruptions ended that are known."""
    async with site.running.db.uow(site.tenant) as uow:
        return set((await uow.session.execute(select(InterruptionRow.ended_at))).scalars())


async def prune(site: Site, at_once: int = 1_000) -> None:
    db = site.running.db
    await Pruning(db.uow, PostgresInterruptions, PostgresWatches(db), PostgresFleet(db), trusting(site.clock), at_once).prune()


async def test_what_is_older_than_a_year_goes_in_batches_and_what_lasts_stays(site: Site) -> None:
    await site.register()
    kept = await ended(site, 365)
    for days in range(370, 377):
        await ended(site, days)
    lasting = Interruption(site.tenant, site.camera, site.now() - 400 * DAY, new_id(), GapCause.OPERATOR, "disabled")
    async with site.running.db.uow(site.tenant) as uow:
        await PostgresInterruptions(uow).open(lasting, Source.STREAM)
    await prune(site, at_once=3)
    assert await known(site) == {kept, None}


async def test_the_longest_days_of_the_city_s_cameras_count_also_of_a_removed_one(site: Site) -> None:
    await site.register(recording=RecordingSettings(retention_days=500))
    await site.remove()
    other = new_id()
    await site.running.events.on_camera_registered(registered(site.running, site.tenant, other))
    kept = {await ended(site, 499), await ended(site, 450, other)}
    await ended(site, 501, other)
    await prune(site)
    assert await known(site) == kept


@pytest.mark.parametrize("is_offsite", [False, True], ids=["on_disk", "off_site"])
async def test_what_lies_behind_the_oldest_recording_stays(site: Site, is_offsite: bool) -> None:
    await site.register()
    began = site.now() - 400 * DAY
    if is_offsite:
        names = {"path": "a.mp4", "sha256": "", "previous": "", "chain": "", "object_key": "a", "state": CopyState.COPIED.value}
        span = {"started_at": began, "ended_at": began + DAY, "size_bytes": 1, "attempts": 0}
        async with site.running.db.uow(site.tenant) as uow:
            uow.session.add(CopyRow(tenant_id=site.tenant, segment_id=new_id(), camera_id=site.camera, **names, **span))
    else:
        await site.record(began, began + timedelta(minutes=1))
    kept = await ended(site, 399)
    await ended(site, 401)
    await prune(site)
    assert await known(site) == {kept}


async def test_each_city_keeps_what_it_needs_and_the_watches_are_kept_for_all_of_them(site: Site) -> None:
    await site.register(recording=RecordingSettings(retention_days=3_650))
    other = Site(site.running)
    await other.register()
    node, now = f"node-{new_id()}", site.now()
    watches = PostgresWatches(site.running.db)
    for days in (3_700, 3_600):
        await watches.extend(node, now - (days + 1) * DAY, now - days * DAY)
    mine = await ended(site, 3_600)
    await ended(other, 3_600)
    await prune(site)
    assert (await known(site), await known(other)) == ({mine}, set())
    async with site.running.db.uow(None) as uow:
        left = (await uow.session.execute(select(WatchRow.watched_until).where(WatchRow.node == node))).scalars()
        assert list(left) == [now - 3_600 * DAY]
