"""Tests of the link of a message, on a real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.alerts.telling import Telling

from alerts.alerts.domain import AlertState, Step
from alerts.alerts.repository import PostgresAlerts
from alerts.links.domain import LinkState

pytestmark = pytest.mark.db


async def token(telling: Telling) -> str:
    """Returns the token of the link of a new alert's message."""
    telling.channel()
    await telling.raise_alert()
    await telling.deliver()
    url = telling.carrier.sent[-1][1].acknowledge_url
    assert url is not None
    assert url.startswith("https://video.example/api/v1/alerts/links/v1.")
    return url.rpartition("/")[2]


async def test_looking_changes_nothing_and_using_it_acknowledges_once(telling: Telling) -> None:
    link = await token(telling)
    for _ in range(2):
        state, alert = await telling.links.show(link)
        assert (state, alert and alert.state) == (LinkState.VALID, AlertState.OPEN)
    found = await asyncio.gather(*(telling.links.use(link) for _ in range(3)))
    assert sorted(state for state, _ in found) == [LinkState.DONE, LinkState.USED, LinkState.USED]
    state, alert = await telling.links.show(link)
    assert alert is not None
    assert (state, alert.state) == (LinkState.USED, AlertState.ACKNOWLEDGED)
    async with telling.db.uow(telling.tenant) as uow:
        steps = [(entry.what, entry.text) for entry in await PostgresAlerts(uow).read_history(alert.alert_id)]
    assert steps[-1][0] is Step.ACKNOWLEDGED
    assert "pelo link da mensagem em “Canal" in steps[-1][1]


async def test_a_colleague_was_faster(telling: Telling) -> None:
    link = await token(telling)
    _, alert = await telling.links.show(link)
    assert alert is not None
    await telling.alerts.acknowledge_alert(telling.caller, alert.alert_id)
    state, known = await telling.links.use(link)
    assert (state, known and known.acknowledged_by) == (LinkState.OVER, telling.caller.user_id)


async def test_it_ends_after_a_day(telling: Telling) -> None:
    link = await token(telling)
    telling.clock.advance(timedelta(hours=24))
    assert await telling.links.use(link) == (LinkState.EXPIRED, None)


@pytest.mark.parametrize("wrong", ["", "x", "v1.k.AAAA", "../../alerts"])
async def test_what_was_not_made_here_is_unknown(telling: Telling, wrong: str) -> None:
    assert await telling.links.use(wrong) == (LinkState.UNKNOWN, None)
    link = await token(telling)
    assert await telling.links.show(link[:-1] + ("A" if link[-1] != "A" else "B")) == (LinkState.UNKNOWN, None)
