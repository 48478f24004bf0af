"""Tests that ingest hears of holds over the broker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.chassis.waiting import until
from tests.ingest.conftest import Running

from chassis.envelope import wrap
from gtvision.events import HoldLifted, HoldPlaced
from gtvision.ids import new_id
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker]

NOW = SystemClock().now()


async def test_a_hold_and_its_end_are_heard(running: Running) -> None:
    tenant = new_id()

    async def known() -> list[bool]:
        async with running.db.uow(tenant) as uow:
            return list((await uow.session.execute(text("SELECT lifted_at IS NULL FROM known_holds"))).scalars())

    async def is_held() -> bool:
        return await known() == [True]

    async def is_lifted() -> bool:
        return await known() == [False]

    placed = HoldPlaced(hold_id=new_id(), range_from=NOW - timedelta(days=1), range_to=NOW)
    await running.bus.publish(wrap(placed, tenant_id=tenant, occurred_at=NOW))
    await until(is_held)
    lifted = HoldLifted(**placed.model_dump(), lifted_at=NOW)
    await running.bus.publish(wrap(lifted, tenant_id=tenant, occurred_at=NOW))
    await until(is_lifted)
