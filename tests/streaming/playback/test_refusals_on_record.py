"""Tests of the ledger: a ticket that was given out and opens nothing is on record once for each reason, one that is made up is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.ledger import audit_entries
from tests.streaming.playback.conftest import HERE, Camera, Node, long_ago
from tests.streaming.playback.test_refusals import MINUTE, until_refused
from tests.streaming.playback.test_rights import hear

from gtvision.events import AuditRecorded
from gtvision.ids import new_id
from gtvision.tenancy import Role
from streaming import metrics

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

SINCE, UNTIL = long_ago(), long_ago() + MINUTE
GROUP = new_id()


@pytest.fixture
async def camera(node: Node, film: Path) -> Camera:
    """A camera of a group with a file of two hours ago, and an operator of that group."""
    made = await node.camera(GROUP)
    made.caller = node.running.mint.caller(Role.OPERATOR, tenant_id=made.tenant, groups=[GROUP])
    made.put(film, long_ago())
    await made.index()
    return made


async def execute(camera: Camera, statement: str) -> None:
    async with camera.node.running.db.uow(camera.tenant) as uow:
        await uow.session.execute(text(statement))


async def use(camera: Camera, ticket: str) -> Camera:
    assert (await camera.redeem(ticket)).status_code == 302
    return camera


async def expire(camera: Camera, _: str) -> Camera:
    await execute(camera, "UPDATE streaming.playback_sessions SET ticket_expires_at = now()")
    return camera


async def of_another_city(camera: Camera, _: str) -> Camera:
    return await camera.node.camera()


async def leave_the_group(camera: Camera, _: str) -> Camera:
    await execute(camera, "UPDATE streaming.cameras SET groups = '{}'")
    return camera


async def lose_the_rights(camera: Camera, _: str) -> Camera:
    await hear(camera, "user.rights_changed")
    return camera


async def lose_the_login(camera: Camera, _: str) -> Camera:
    """The agent hears of it a moment later, and a session that is open shows when."""
    key = await camera.open(SINCE, UNTIL)
    await camera.node.revoke(camera.caller)
    await until_refused(camera, f"{key}/index.m3u8")
    return camera


Change = Callable[[Camera, str], Awaitable[Camera]]
CHANGES: dict[str, tuple[Change, int, str]] = {
    "used": (use, 401, "used"),
    "expired": (expire, 401, "expired"),
    "of another city": (of_another_city, 401, "other_camera"),
    "the camera left the group": (leave_the_group, 404, "not_found"),
    "the rights changed": (lose_the_rights, 401, "session_revoked"),
    "the login was revoked": (lose_the_login, 401, "session_revoked"),
}


def refusals(entries: list[AuditRecorded]) -> list[AuditRecorded]:
    return [entry for entry in entries if entry.action == "recording.refused"]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_refused_ticket_is_on_record_once_and_says_why(camera: Camera, change: str) -> None:
    changes, status, reason = CHANGES[change]
    ticket = await camera.ticket(SINCE, UNTIL, **{"x-purpose": "crime"})
    shown_for = await changes(camera, ticket)
    answers = [await shown_for.redeem(ticket) for _ in range(3)]
    answers += await asyncio.gather(*(shown_for.redeem(ticket) for _ in range(9)))
    assert {answer.status_code for answer in answers} == {status}
    entries = [entry.data for entry in await audit_entries(camera.node.running.db, camera.tenant)]
    [said] = refusals(entries)
    assert (said.outcome, said.actor_id, said.session_id) == ("refused", camera.caller.user_id, camera.caller.session_id)
    assert (said.object_kind, said.object_id, said.purpose, said.address) == ("camera", str(camera.camera), "crime", HERE)
    assert (said.range_from, said.range_to, said.service) == (SINCE, UNTIL, "streaming")
    asked_for = {} if shown_for is camera else {"asked_for": str(shown_for.camera)}
    assert said.details == {"reason": reason} | asked_for
    if shown_for is not camera:
        assert await audit_entries(camera.node.running.db, shown_for.tenant) == []


async def test_each_reason_is_on_record_and_a_refused_ticket_may_be_shown_again(camera: Camera) -> None:
    ticket, elsewhere = await camera.ticket(SINCE, UNTIL), await camera.node.camera()
    assert (await elsewhere.redeem(ticket)).status_code == 401
    assert (await camera.redeem(ticket)).status_code == 302
    for shown_for in (camera, elsewhere, camera):
        assert (await shown_for.redeem(ticket)).status_code == 401
    entries = [entry.data for entry in await audit_entries(camera.node.running.db, camera.tenant)]
    assert [(entry.action, entry.details.get("reason")) for entry in entries] == [
        ("recording.refused", "other_camera"),
        ("recording.viewed", None),
        ("recording.refused", "used"),
    ]


async def test_a_ticket_that_is_made_up_is_counted_and_in_no_ledger(camera: Camera) -> None:
    made_up = metrics.tickets_refused.labels("unknown")
    before = made_up._value.get()
    for number in range(20):
        assert (await camera.redeem(f"{number:043d}")).status_code == 401
    assert made_up._value.get() - before == 20
    assert await audit_entries(camera.node.running.db, camera.tenant) == []
