"""Refused tickets go on record of the city whose they were, and no flood of them floods its ledger."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from tests.fixtures.tokens import TokenMint

from chassis import logs
from chassis.auth import Authenticator
from chassis.fakes import FakeUow
from chassis.health import Heartbeats
from city.refusals import KINDS_PER_TENANT, Attempt, Refusals
from gtvision.errors import Forbidden, GTVisionError, NotFound, SessionRevoked, TokenExpired, Unauthenticated, Unavailable
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import FakeClock


class Door:
    """Somewhere that tickets are shown, and the ledger behind it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.mint = TokenMint(self.clock)
        self.uow = FakeUow(self.clock)
        self.authenticator: Authenticator = self.mint.authenticator()
        self.refusals = Refusals(self.uow, self.authenticator, "streaming")

    async def show(self, ticket: str, purpose: str = "live", camera: UUID | None = None) -> GTVisionError:
        """Refused, as the caller of this expects."""
        try:
            await self.authenticator.redeem(ticket, purpose)
        except GTVisionError as refused:
            await self.refusals.note(ticket, refused, Attempt("camera", camera, "203.0.113.9"))
            return refused
        raise AssertionError("the ticket was good")

    async def spent(self, who: Caller | None = None) -> str:
        ticket = self.mint.ticket("live", who)
        await self.authenticator.redeem(ticket, "live")
        return ticket


@pytest.fixture
def door() -> Door:
    return Door()


async def test_a_refusal_says_whose_ticket_it_was_what_for_and_from_where(door: Door) -> None:
    who, camera, correlation = door.mint.caller(), new_id(), new_id()
    with logs.correlated(correlation):
        await door.show(await door.spent(who), camera=camera)
    await door.refusals.write()
    [event] = door.uow.emitted
    assert (event.tenant_id, event.camera_id, event.correlation_id) == (who.tenant_id, camera, correlation)
    said = event.data
    assert (said.action, said.outcome, said.actor_id, said.session_id) == ("live.refused", "refused", who.user_id, who.session_id)
    assert (said.object_kind, said.object_id, said.address, said.service) == ("camera", str(camera), "203.0.113.9", "streaming")
    assert said.details == {"reason": "unauthenticated", "times": "1"}


async def test_every_kind_of_refusal_of_a_true_ticket_is_on_record(door: Door) -> None:
    revoked = door.mint.caller()
    lapsed, of_a_session, other = door.mint.ticket("live", lifetime_s=1), door.mint.ticket("live", revoked), door.mint.ticket("ws")
    door.mint.revocations.revoked.add(revoked.session_id)
    door.clock.advance(1)
    kinds = [type(await door.show(ticket)) for ticket in (lapsed, of_a_session, other)]
    assert kinds == [TokenExpired, SessionRevoked, Forbidden]
    await door.refusals.note(door.mint.ticket("live"), NotFound(), Attempt("camera"))
    await door.refusals.write()
    reasons = [event.data.details["reason"] for event in door.uow.emitted]
    assert reasons == ["token_expired", "session_revoked", "forbidden", "not_found"]


async def test_what_is_no_ticket_of_ours_belongs_to_nobody(door: Door) -> None:
    for rubbish in ("", "x.y.z", door.mint.token(), TokenMint(door.clock, "forger").ticket("live")):
        assert isinstance(await door.show(rubbish), Unauthenticated)
    await door.refusals.note(door.mint.ticket("live"), Unavailable(), Attempt("camera"))
    await door.refusals.write()
    assert door.uow.emitted == []


async def test_repeats_are_summed_up(door: Door) -> None:
    ticket = await door.spent()
    for _ in range(500):
        await door.show(ticket)
    await door.refusals.write()
    await door.refusals.write()
    assert [event.data.details["times"] for event in door.uow.emitted] == ["500"]
    await door.show(ticket)
    await door.refusals.write()
    assert [event.data.details["times"] for event in door.uow.emitted] == ["500", "1"]


async def test_a_flood_of_kinds_is_bounded_and_every_refusal_counted(door: Door) -> None:
    ticket, neighbour = await door.spent(), door.mint.caller(tenant_id=new_id())
    for _ in range(10 * KINDS_PER_TENANT):
        await door.show(ticket, camera=new_id())
    await door.show(await door.spent(neighbour))
    await door.refusals.write()
    mine = [event.data for event in door.uow.emitted if event.tenant_id == door.mint.tenant_id]
    assert len(mine) == KINDS_PER_TENANT + 1
    assert sum(int(each.details["times"]) for each in mine) == 10 * KINDS_PER_TENANT
    assert [each.actor_id for each in mine if each.details["reason"] == "too_many_kinds"] == [None]
    assert [event.tenant_id for event in door.uow.emitted][-1] == neighbour.tenant_id, "one city's flood costs another nothing"


async def test_what_could_not_be_written_is_written_later(door: Door) -> None:
    ticket = await door.spent()
    await door.show(ticket)
    door.uow.down = True
    with pytest.raises(Unavailable):
        await door.refusals.write()
    await door.show(ticket)
    door.uow.down = False
    await door.refusals.write()
    assert [event.data.details["times"] for event in door.uow.emitted] == ["2"]


async def test_the_loop_writes_by_itself_and_the_rest_is_written_at_the_end(door: Door) -> None:
    ticket = await door.spent()
    await door.show(ticket)
    async with door.refusals:
        loop = asyncio.create_task(door.refusals.run(Heartbeats().register("refusals")))
        async with asyncio.timeout(120):
            while not door.uow.emitted:
                await asyncio.sleep(0.01)
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        await door.show(ticket)
    assert [event.data.details["times"] for event in door.uow.emitted] == ["1", "1"]


async def test_an_end_without_a_database_is_an_end(door: Door) -> None:
    await door.show(await door.spent())
    door.uow.down = True
    async with door.refusals:
        pass
