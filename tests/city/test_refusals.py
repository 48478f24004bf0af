"""Tests that refused tickets are recorded for the tenant of the ticket, and that many of them make few entries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from tests.fixtures.tokens import TokenMint

from chassis import logs
from chassis.auth import Authenticator
from chassis.db import UnitOfWork
from chassis.fakes import FakeUow
from chassis.health import Heartbeats
from city.refusals import KINDS_PER_TENANT, Attempt, Refusals
from gtvision.errors import Forbidden, GTVisionError, NotFound, SessionRevoked, TokenExpired, Unauthenticated, Unavailable
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import FakeClock


class TicketEndpoint:
    """An endpoint that redeems tickets, and the refusals that it records."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.mint = TokenMint(self.clock)
        self.uow = FakeUow(self.clock)
        self.authenticator: Authenticator = self.mint.authenticator()
        self.refusals = Refusals(self.uow, self.authenticator, "streaming")

    async def redeem(self, ticket: str, purpose: str = "live", camera: UUID | None = None) -> GTVisionError:
        """Redeems a ticket and returns the error with which it is refused. Raises: AssertionError where it is accepted."""
        try:
            await self.authenticator.redeem(ticket, purpose)
        except GTVisionError as refused:
            await self.refusals.note(ticket, refused, Attempt("camera", camera, "203.0.113.9"))
            return refused
        raise AssertionError("the ticket was good")

    async def spent(self, caller: Caller | None = None) -> str:
        ticket = self.mint.ticket("live", caller)
        await self.authenticator.redeem(ticket, "live")
        return ticket


@pytest.fixture
def endpoint() -> TicketEndpoint:
    return TicketEndpoint()


async def test_a_refusal_says_whose_ticket_it_was_what_for_and_from_where(endpoint: TicketEndpoint) -> None:
    caller, camera, correlation = endpoint.mint.caller(), new_id(), new_id()
    with logs.correlated(correlation):
        await endpoint.redeem(await endpoint.spent(caller), camera=camera)
    await endpoint.refusals.write()
    [event] = endpoint.uow.emitted
    assert (event.tenant_id, event.camera_id, event.correlation_id) == (caller.tenant_id, camera, correlation)
    said = event.data
    assert (said.action, said.outcome, said.actor_id, said.session_id) == ("live.refused", "refused", caller.user_id, caller.session_id)
    assert (said.object_kind, said.object_id, said.address, said.service) == ("camera", str(camera), "203.0.113.9", "streaming")
    assert said.details == {"reason": "unauthenticated", "times": "1"}


async def test_every_kind_of_refusal_of_a_true_ticket_is_on_record(endpoint: TicketEndpoint) -> None:
    revoked = endpoint.mint.caller()
    lapsed, of_a_session = endpoint.mint.ticket("live", lifetime_s=1), endpoint.mint.ticket("live", revoked)
    other = endpoint.mint.ticket("ws")
    endpoint.mint.revocations.revoked.add(revoked.session_id)
    endpoint.clock.advance(1)
    kinds = [type(await endpoint.redeem(ticket)) for ticket in (lapsed, of_a_session, other)]
    assert kinds == [TokenExpired, SessionRevoked, Forbidden]
    await endpoint.refusals.note(endpoint.mint.ticket("live"), NotFound(), Attempt("camera"))
    await endpoint.refusals.write()
    reasons = [event.data.details["reason"] for event in endpoint.uow.emitted]
    assert reasons == ["token_expired", "session_revoked", "forbidden", "not_found"]


async def test_a_text_that_is_no_ticket_is_recorded_for_no_tenant(endpoint: TicketEndpoint) -> None:
    for rubbish in ("", "x.y.z", endpoint.mint.token(), TokenMint(endpoint.clock, "forger").ticket("live")):
        assert isinstance(await endpoint.redeem(rubbish), Unauthenticated)
    await endpoint.refusals.note(endpoint.mint.ticket("live"), Unavailable(), Attempt("camera"))
    await endpoint.refusals.write()
    assert endpoint.uow.emitted == []


async def test_repeats_are_summed_up(endpoint: TicketEndpoint) -> None:
    ticket = await endpoint.spent()
    for _ in range(500):
        await endpoint.redeem(ticket)
    await endpoint.refusals.write()
    await endpoint.refusals.write()
    assert [event.data.details["times"] for event in endpoint.uow.emitted] == ["500"]
    await endpoint.redeem(ticket)
    await endpoint.refusals.write()
    assert [event.data.details["times"] for event in endpoint.uow.emitted] == ["500", "1"]


async def test_a_flood_of_kinds_is_bounded_and_every_refusal_counted(endpoint: TicketEndpoint) -> None:
    ticket, neighbour = await endpoint.spent(), endpoint.mint.caller(tenant_id=new_id())
    for _ in range(10 * KINDS_PER_TENANT):
        await endpoint.redeem(ticket, camera=new_id())
    await endpoint.redeem(await endpoint.spent(neighbour))
    await endpoint.refusals.write()
    mine = [event.data for event in endpoint.uow.emitted if event.tenant_id == endpoint.mint.tenant_id]
    assert len(mine) == KINDS_PER_TENANT + 1
    assert sum(int(each.details["times"]) for each in mine) == 10 * KINDS_PER_TENANT
    assert [each.actor_id for each in mine if each.details["reason"] == "too_many_kinds"] == [None]
    assert [event.tenant_id for event in endpoint.uow.emitted][-1] == neighbour.tenant_id, "another tenant's refusals are all recorded"


async def test_what_could_not_be_written_is_written_later(endpoint: TicketEndpoint) -> None:
    ticket = await endpoint.spent()
    await endpoint.redeem(ticket)
    endpoint.uow.down = True
    with pytest.raises(Unavailable):
        await endpoint.refusals.write()
    await endpoint.redeem(ticket)
    endpoint.uow.down = False
    await endpoint.refusals.write()
    assert [event.data.details["times"] for event in endpoint.uow.emitted] == ["2"]


async def test_the_loop_writes_by_itself_and_the_rest_is_written_at_the_end(endpoint: TicketEndpoint) -> None:
    ticket = await endpoint.spent()
    await endpoint.redeem(ticket)
    async with endpoint.refusals:
        loop = asyncio.create_task(endpoint.refusals.run(Heartbeats().register("refusals")))
        async with asyncio.timeout(120):
            while not endpoint.uow.emitted:
                await asyncio.sleep(0.01)
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        await endpoint.redeem(ticket)
    assert [event.data.details["times"] for event in endpoint.uow.emitted] == ["1", "1"]


async def test_a_stop_in_the_middle_of_a_write_loses_no_refusal(endpoint: TicketEndpoint) -> None:
    await endpoint.redeem(await endpoint.spent())
    entered = asyncio.Event()

    @asynccontextmanager
    async def hanging(tenant_id: UUID | None) -> AsyncIterator[UnitOfWork]:
        async with endpoint.uow(tenant_id) as uow:
            entered.set()
            await asyncio.Event().wait()
            yield uow

    endpoint.refusals._uow = hanging
    async with endpoint.refusals:
        loop = asyncio.create_task(endpoint.refusals.run(Heartbeats().register("refusals")))
        await entered.wait()
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        endpoint.refusals._uow = endpoint.uow
    assert [event.data.details["times"] for event in endpoint.uow.emitted] == ["1"]


async def test_it_ends_also_without_a_database(endpoint: TicketEndpoint) -> None:
    await endpoint.redeem(await endpoint.spent())
    endpoint.uow.down = True
    async with endpoint.refusals:
        pass
