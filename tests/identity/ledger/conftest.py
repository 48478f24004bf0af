"""Fixtures: ledgers on real PostgreSQL, an empty one, and one with rows and anchors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.identity.ledger.ledgers import START, TenantLedger, database_name
from tests.identity.wiring import patient

from chassis.db import Database
from chassis.settings import DatabaseSettings
from gtvision.time import FakeClock
from servers import Postgres


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ledger_settings(database_for: Callable[..., Any]) -> DatabaseSettings:
    return patient(await database_for("identity"))


@pytest_asyncio.fixture(loop_scope="session")
async def tenant(ledger_settings: DatabaseSettings, postgres: Postgres, tmp_path: Path) -> AsyncIterator[TenantLedger]:
    """A tenant with an empty ledger, in a database with those of other tenants."""
    clock = FakeClock(START)
    async with Database(ledger_settings, clock) as db:
        yield TenantLedger(db, clock, postgres, database_name(ledger_settings), tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def anchored_tenant(database_for: Callable[..., Any], postgres: Postgres, tmp_path: Path) -> AsyncIterator[TenantLedger]:
    """The only tenant of a database, with twenty rows: twelve with an anchor, three with a later one, five without."""
    settings, clock = patient(await database_for("identity")), FakeClock(START)
    async with Database(settings, clock) as db:
        made = TenantLedger(db, clock, postgres, database_name(settings), tmp_path)
        for count in (12, 3):
            await made.record(count)
            made.clock.advance(60)
            await made.seal()
        await made.record(5)
        report = await made.verify()
        assert (report.right, report.rows, report.unanchored, report.copies) == (True, 20, 5, 2)
        yield made
