"""Tests of which viewers' sessions are ended because they may no longer watch."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from tests.fixtures.tokens import TokenMint
from tests.streaming.live.conftest import Site
from tests.streaming.names.test_usecases import desired

from gtvision.camera import path_name
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from streaming.gateways.redis_attendance import ATTENDED_KEY
from streaming.live.domain import View
from streaming.live.fakes import FakeViews

pytestmark = pytest.mark.broker


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_revoked_session_loses_its_views_and_no_other_does(site: Site, restarted: bool) -> None:
    revoked, other = site.caller(), site.caller()
    views = [site.watch(caller) for caller in (revoked, other, revoked)]
    await site.viewers.end_refused()
    assert len(site.media.open) == 3
    await site.revoke(revoked)
    if restarted:
        site.restart()
        site.show(site.camera)
    await site.viewers.end_refused()
    assert list(site.media.open) == [views[1]]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_camera_that_leaves_the_viewer_s_groups_is_no_longer_seen(site: Site, restarted: bool) -> None:
    site.watch(site.caller())
    await site.viewers.end_refused()
    if restarted:
        site.restart()
    site.show(desired("", of=site.camera, groups=frozenset({new_id()})))
    await site.viewers.end_refused()
    assert not site.media.open


async def test_a_view_outlives_its_ticket_and_a_long_day(site: Site) -> None:
    view = site.watch(site.caller())
    await site.viewers.end_refused()
    for _ in range(20):
        site.clock.advance(3_600)
        await site.viewers.end_refused()
    assert list(site.media.open) == [view]
    site.restart()
    site.show(site.camera)
    await site.viewers.end_refused()
    assert list(site.media.open) == [view]


async def test_a_view_whose_revocation_may_be_forgotten_is_ended(site: Site) -> None:
    """After so long an outage that identity has dropped older revocations, a view cannot be judged, and is ended."""
    old = site.watch(site.caller())
    await site.viewers.end_refused()
    site.clock.advance(3_600)
    new = site.watch(site.caller())
    site.restart()
    site.show(site.camera)
    await site.redis.delete(ATTENDED_KEY)  # type: ignore[attr-defined]
    await site.viewers.end_refused()
    assert (old in site.media.open, new in site.media.open) == (False, True)


@pytest.mark.parametrize("ticket", ["", "x.y.z", "an access token", "of another key"])
async def test_a_session_without_a_ticket_of_ours_is_ended(site: Site, ticket: str) -> None:
    caller = site.caller()
    texts = {"an access token": site.mint.token(caller), "of another key": TokenMint(site.clock, "test-2").ticket("live", caller)}
    site.media.watch(path_name(site.camera.camera_id), texts.get(ticket, ticket), "hls")
    await site.viewers.end_refused()
    assert not site.media.open


async def test_a_flood_of_strange_tickets_does_not_keep_a_revoked_view(site: Site) -> None:
    caller, strange = site.caller(), TokenMint(site.clock, "test-2")
    revoked = site.watch(caller)
    for _ in range(500):
        site.media.watch(path_name(site.camera.camera_id), strange.ticket("live", caller))
    await site.revoke(caller)
    await site.viewers.end_refused()
    assert revoked not in site.media.open
    assert not site.media.open


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_view_outlives_the_key_of_its_ticket(site: Site, restarted: bool) -> None:
    """The media server admitted it while the key was known; it can still be revoked."""
    stays, revoked = site.caller(), site.caller()
    view = site.watch(stays)
    site.watch(revoked)
    await site.viewers.end_refused()
    await site.rotate()
    if restarted:
        site.restart()
        site.show(site.camera)
    await site.viewers.end_refused()
    assert len(site.media.open) == 2
    await site.revoke(revoked)
    await site.viewers.end_refused()
    assert list(site.media.open) == [view]


async def test_a_view_whose_key_retired_while_no_one_looked_is_ended(site: Site) -> None:
    site.watch(site.caller())
    await site.viewers.end_refused()
    await site.rotate()
    site.restart()
    site.show(site.camera)
    await site.redis.delete(ATTENDED_KEY)  # type: ignore[attr-defined]
    await site.viewers.end_refused()
    assert not site.media.open


async def test_a_view_that_a_listing_misses_is_not_judged_anew(site: Site) -> None:
    view = site.watch(site.caller())
    await site.viewers.end_refused()
    await site.rotate()
    missed = site.media.open.pop(view)
    for _ in range(3):
        await site.viewers.end_refused()
    await site.redis.delete(ATTENDED_KEY)  # type: ignore[attr-defined]
    site.media.open[view] = missed
    await site.viewers.end_refused()
    assert list(site.media.open) == [view]


async def test_nothing_is_ended_before_the_cameras_are_known(site: Site) -> None:
    view = site.watch(site.caller())
    site.restart()
    await site.viewers.end_refused()
    assert list(site.media.open) == [view]


async def test_a_disabled_user_loses_every_view(site: Site) -> None:
    disabled, other = site.caller(), site.caller()
    site.watch(disabled)
    stays = site.watch(other)
    for _ in range(2):
        await site.viewers.end_user(disabled.user_id, site.clock.now() + timedelta(seconds=1))
    assert list(site.media.open) == [stays]


async def test_a_view_that_was_asked_for_after_the_change_goes_on(site: Site) -> None:
    site.watch(caller := site.caller())
    site.clock.advance(2)
    changed_at = site.clock.now()
    stays = site.watch(caller)
    await site.viewers.end_user(caller.user_id, changed_at)
    assert list(site.media.open) == [stays]


class HeldViews(FakeViews):
    """A media server whose listings miss a session, answer late or not at all, and which ends sessions when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.missed: UUID | None = None
        self.ending, self.may_list, self.may_end = asyncio.Semaphore(0), asyncio.Event(), asyncio.Event()
        self.may_list.set()

    async def views(self) -> list[View]:
        await self.may_list.wait()
        return [view for view in await super().views() if view.session != self.missed]

    async def end(self, view: View) -> None:
        self.ending.release()
        await self.may_end.wait()
        await super().end(view)


@pytest.fixture
def held(site: Site) -> HeldViews:
    site.media = held = HeldViews()
    site.restart()
    site.show(site.camera)
    return held


async def test_a_look_for_a_user_does_not_disturb_the_look_that_is_under_way(site: Site, held: HeldViews) -> None:
    revoked = site.caller()
    site.watch(revoked)
    fresh = site.watch(site.caller())
    await site.revoke(revoked)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(site.viewers.end_refused())
        await held.ending.acquire()
        held.missed = fresh
        other = tasks.create_task(site.viewers.end_user(new_id(), site.clock.now()))
        await asyncio.wait({other}, timeout=0.2)  # it has to wait for the first look
        assert not other.done()
        held.may_end.set()
    assert list(held.open) == [fresh]


async def test_sessions_are_ended_together(site: Site, held: HeldViews) -> None:
    caller = site.caller()
    for _ in range(2):
        site.watch(caller)
    await site.revoke(caller)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(site.viewers.end_refused())
        for _ in range(2):
            await held.ending.acquire()
        held.may_end.set()
    assert not held.open


async def test_a_look_that_lasts_too_long_is_given_up(site: Site, held: HeldViews) -> None:
    held.may_list.clear()
    viewers = site.looking(look_timeout_s=0.01)
    for look in (viewers.end_refused(), viewers.end_user(new_id(), site.clock.now())):
        with pytest.raises(Unavailable):
            await look
