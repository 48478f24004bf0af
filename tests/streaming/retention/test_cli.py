"""Tests of the holds of all cities on the command line."""

from __future__ import annotations

from uuid import UUID

import pytest
from tests.ledger import audit_entries, emitted
from tests.streaming.conftest import CLOCK, Running

from gtvision.errors import NotFound
from gtvision.events import HoldLifted
from gtvision.ids import new_id
from gtvision.tenancy import Role
from streaming.reindex.cli import parse
from streaming.retention import cli
from streaming.retention.repository import PostgresHeld, PostgresHolds
from streaming.retention.usecases import HoldsOfCities

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def run(running: Running, *arguments: str) -> int:
    return await cli.run(parse(arguments), HoldsOfCities(running.db.uow, PostgresHolds, PostgresHeld(running.db), CLOCK))


async def place(running: Running, **changes: str) -> tuple[str, str]:
    """A hold of all cameras of a city of its own. Returns city and hold."""
    admin = running.mint.caller(Role.ADMIN, tenant_id=new_id())
    body = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "reason": "Inquérito 12/2026", **changes}
    answer = await running.http.post("/holds", headers=running.mint.headers(admin), json=body)
    assert answer.status_code == 201, answer.text
    return str(admin.tenant_id), answer.json()["hold_id"]


async def test_the_holds_of_every_city_are_listed(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = await place(running), await place(running, until="2199-01-01T00:00:00Z")
    assert await run(running, "holds") == 0
    lines = capsys.readouterr().out.splitlines()
    for (city, hold), until in ((first, "until it is lifted"), (second, "until 2199-01-01")):
        [line] = [each for each in lines if hold in each]
        for words in (city, "all cameras", "2026-01-01T00:00:00", until, "Inquérito 12/2026"):
            assert words in line


async def test_one_is_lifted_and_that_is_on_record(running: Running) -> None:
    (city, hold), other = await place(running), await place(running)
    assert await run(running, "lift", hold, "--reason", "cidade excluída") == 0
    active = {str(each.hold_id) for each in await HoldsOfCities(running.db.uow, PostgresHolds, PostgresHeld(running.db), CLOCK).active()}
    assert hold not in active
    assert other[1] in active
    assert len(await emitted(running.db, UUID(city), HoldLifted)) == 1
    entry = (await audit_entries(running.db, UUID(city)))[-1].data
    assert (entry.action, entry.actor_id, entry.object_id, entry.details["reason"]) == ("hold.lifted", None, hold, "cidade excluída")
    with pytest.raises(NotFound):
        await run(running, "lift", hold, "--reason", "de novo")
