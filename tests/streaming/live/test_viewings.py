"""Tests of how a view of live video comes on record: before it is seen, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from tests.streaming.live.conftest import Site

from chassis.auth.tokens import TicketSpent
from chassis.db import UnitOfWork
from gtvision.camera import path_name
from gtvision.errors import NotFound, Unavailable
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from streaming.live import usecases
from streaming.live.domain import AccessRequest, CameraOff

pytestmark = pytest.mark.broker


@dataclass
class Watching:
    """A viewer's page: asks for tickets, and opens views where the hook lets it."""

    site: Site
    caller: Caller
    address: str = "198.51.100.7"

    async def open(self, ticket: str | None = None) -> str:
        """Returns the ticket that opened a view."""
        site = self.site
        ticket = ticket or site.mint.ticket("live", self.caller, site.camera.camera_id)
        path = path_name(site.camera.camera_id)
        await site.authorizer.admit(AccessRequest("read", path, "webrtc", "", "", ticket, new_id(), self.address, "Firefox"))
        return ticket

    async def plays(self, ticket: str | None = None) -> UUID:
        """Opens a view that the media server has a picture for. Returns its session."""
        return self.site.media.watch(path_name(self.site.camera.camera_id), await self.open(ticket))


@pytest.fixture
def page(site: Site) -> Watching:
    site.show_picture()
    return Watching(site, site.caller())


async def test_a_view_is_on_record_once_while_it_runs_and_shortly_after(site: Site, page: Watching) -> None:
    await page.plays()
    [record] = site.records()
    assert (record.action, record.outcome, record.actor_id, record.session_id) == (
        "live.viewed",
        "allowed",
        page.caller.user_id,
        page.caller.session_id,
    )
    assert (record.object_kind, record.object_id) == ("camera", str(site.camera.camera_id))
    assert (record.address, record.user_agent, record.service) == ("198.51.100.7", "Firefox", "streaming")
    await page.plays()
    for _ in range(40):  # it runs for longer than an hour, and is opened anew now and then
        site.clock.advance(100)
        await site.viewers.end_refused()
        await page.plays()
    site.media.open.clear()
    site.clock.advance(110)
    await page.plays()
    assert len(site.records()) == 1
    site.media.open.clear()
    site.clock.advance(130)
    await page.plays()
    assert len(site.records()) == 2, "after two minutes it is another view"


async def test_a_camera_that_a_patrol_comes_back_to_is_on_record_once_an_hour(site: Site, page: Watching) -> None:
    for _ in range(12):  # at minutes 0 to 55
        await page.open()
        site.clock.advance(300)
    assert len(site.records()) == 1
    site.clock.advance(1)
    await page.open()
    assert len(site.records()) == 2


async def test_another_session_and_another_camera_are_other_views(site: Site, page: Watching) -> None:
    await page.open()
    await Watching(site, site.caller()).open()
    site.camera = replace(site.camera, camera_id=new_id())
    site.show(site.camera)
    site.show_picture()
    await page.open()
    assert len({(each.session_id, each.object_id) for each in site.records()}) == 3


async def test_another_purpose_and_another_address_are_other_views(site: Site, page: Watching) -> None:
    for purpose in (None, "crime", "traffic"):
        for address in ("198.51.100.7", "203.0.113.9"):
            for _ in range(2):
                ticket = site.mint.signer.ticket(page.caller, "live", site.camera.camera_id, declared_purpose=purpose)
                await replace(page, address=address).plays(ticket)
    found = {(each.purpose, each.address) for each in site.records()}
    assert (len(found), len(site.records())) == (6, 6)
    for _ in range(3):  # they run on, each as what it was opened for
        site.clock.advance(100)
        await site.viewers.end_refused()
    await page.plays()
    assert len(site.records()) == 6


async def test_connections_that_open_together_are_one_view(site: Site, page: Watching) -> None:
    await asyncio.gather(*(page.open() for _ in range(5)))
    assert len(site.records()) == 1


async def test_the_record_has_the_purpose_that_the_ticket_was_asked_for(site: Site, page: Watching) -> None:
    ticket = site.mint.signer.ticket(page.caller, "live", site.camera.camera_id, declared_purpose="crime")
    await page.open(ticket)
    assert [each.purpose for each in site.records()] == ["crime"]


async def test_nothing_is_shown_that_cannot_be_put_on_record(site: Site, page: Watching) -> None:
    site.uow.down = True
    ticket = site.mint.ticket("live", page.caller, site.camera.camera_id)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await page.open(ticket)
    site.uow.down = False
    await page.open(ticket)
    assert len(site.records()) == 1
    with pytest.raises(TicketSpent):
        await page.open(ticket)


async def test_a_database_that_never_answers_refuses_too(site: Site, page: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def hanging(tenant_id: UUID | None) -> AsyncIterator[UnitOfWork]:
        await asyncio.Event().wait()
        async with site.uow(tenant_id) as uow:
            yield uow

    monkeypatch.setattr(usecases, "_RECORD_TIMEOUT_S", 0.01)
    monkeypatch.setattr(site.viewings, "_uow", hanging)
    with pytest.raises(Unavailable):
        await page.open()


@pytest.mark.parametrize(
    "picture",
    [None, ("M-JPEG",)],
    ids=["no stream", "a codec that no browser plays"],
)
async def test_what_nobody_can_see_is_not_on_record_and_costs_no_ticket(
    site: Site, page: Watching, picture: tuple[str, ...] | None
) -> None:
    site.show_picture(picture)
    ticket = await page.open()
    for _ in range(10):
        await page.open(ticket)
    assert site.records() == []
    site.show_picture()
    await page.open(ticket)
    assert [each.action for each in site.records()] == ["live.viewed"]


@pytest.mark.parametrize("codecs", [("MPEG-4 Audio",), ("M-JPEG", "G711"), ()], ids=["sound only", "sound beside", "not known yet"])
async def test_what_is_heard_or_may_be_seen_is_on_record(site: Site, page: Watching, codecs: tuple[str, ...]) -> None:
    site.show_picture(codecs)
    ticket = await page.open()
    assert len(site.records()) == 1
    with pytest.raises(TicketSpent):
        await page.open(ticket)


async def test_a_look_of_a_while_ago_proves_nothing(site: Site, page: Watching) -> None:
    site.show_picture(None)
    site.clock.advance(11)
    await page.open()
    assert len(site.records()) == 1


@pytest.mark.parametrize("down", [False, True])
async def test_a_picture_that_came_back_between_two_looks_is_put_on_record_or_ended(site: Site, page: Watching, down: bool) -> None:
    """The last look found nothing to show; when the viewer asked a moment later, there was a picture."""
    site.show_picture(None)
    ticket = site.mint.ticket("live", page.caller, site.camera.camera_id)
    view = await page.plays(ticket)
    site.uow.down = down
    await site.viewers.end_refused()
    assert (len(site.records()), view in site.media.open) == ((0, False) if down else (1, True))
    if not down:
        site.show_picture()
        with pytest.raises(TicketSpent):
            await page.open(ticket)
        await page.open()
        [record] = site.records()
        assert (record.address, record.user_agent) == ("198.51.100.7", "Firefox")


async def test_a_database_that_never_answers_ends_every_view_without_a_record_in_one_look(
    site: Site, page: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    @asynccontextmanager
    async def hanging(tenant_id: UUID | None) -> AsyncIterator[UnitOfWork]:
        tries.append(tenant_id)
        await asyncio.Event().wait()
        async with site.uow(tenant_id) as uow:
            yield uow

    recorded = await page.plays()
    site.show_picture(None)
    for _ in range(10):
        await Watching(site, site.caller()).plays()
    site.clock.advance(5)
    monkeypatch.setattr(usecases, "_RECORD_TIMEOUT_S", 0.01)
    monkeypatch.setattr(site.viewings, "_uow", hanging)
    await site.viewers.end_refused()
    assert (list(site.media.open), len(tries)) == ([recorded], 1)


@pytest.mark.parametrize("down", [False, True])
async def test_after_a_restart_a_running_view_goes_on(site: Site, page: Watching, down: bool) -> None:
    view = await page.plays()
    site.restart()
    site.show(site.camera)
    site.uow.down = down
    await site.viewers.end_refused()
    assert view in site.media.open
    site.uow.down = False
    await site.viewers.end_refused()
    await site.viewers.end_refused()
    assert len(site.records()) == 2


async def test_a_camera_that_is_switched_off_says_nothing_about_the_user(site: Site, page: Watching) -> None:
    ticket = await page.open()
    site.show(replace(site.camera, enabled=False))
    with pytest.raises(CameraOff):
        await page.open()
    await site.refusals.write()
    assert site.refused.emitted == []
    stranger = Watching(site, site.mint.caller(Role.VIEWER, tenant_id=new_id()))
    with pytest.raises(NotFound):
        await stranger.open()
    site.show(site.camera)
    with pytest.raises(TicketSpent):
        await page.open(ticket)
    await site.refusals.write()
    assert sorted(each.data.details["reason"] for each in site.refused.emitted) == ["not_found", "unauthenticated"]
