"""Tests of what PostgreSQL enforces: policies and functions; and that the tables in code are the migrated ones."""

from __future__ import annotations

import asyncio
import runpy
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from tests.fixtures.databases import metadata_differences
from tests.fixtures.tokens import encryption_keys

from chassis.db import Database, UnitOfWork
from chassis.settings import DatabaseSettings
from chassis.vault import Vault
from gtvision.ids import new_id
from gtvision.tenancy import AiBudget, Quotas, Role, TenantSettings
from gtvision.time import SystemClock
from identity.cities.domain import Tenant
from identity.cities.usecases.installation import Installation
from identity.gateways.signing import RsaKeyMaker
from identity.keys.domain import EndReason
from identity.ledger import tables as _ledger_tables  # noqa: F401 - fills the metadata
from identity.people.domain.users import User
from identity.repository import PostgresRows
from identity.schema import metadata
from identity.second_factors.domain import SecondFactor
from identity.sessions.domain import Session, SubjectKind

pytestmark = pytest.mark.db
CLOCK = SystemClock()
MIGRATIONS = Path(__file__).parents[2] / "services/identity/migrations/versions"


@pytest.fixture
async def settings(database_for: Callable[[str], Awaitable[DatabaseSettings]]) -> DatabaseSettings:
    return await database_for("identity")


@pytest.fixture
async def db(settings: DatabaseSettings) -> AsyncIterator[Database]:
    async with Database(settings, CLOCK) as database:
        yield database


async def add_user(db: Database) -> User:
    now, tenant_id = CLOCK.now(), new_id()
    user = User(new_id(), tenant_id, f"{tenant_id}@example.org", Role.VIEWER, "hash", now, frozenset({new_id()}))
    async with db.uow(tenant_id) as uow:
        await PostgresRows(uow).add_tenant(Tenant(tenant_id, f"City {tenant_id}", 1, now))
        await PostgresRows(uow).add_user(user)
    return user


async def test_tables_in_code_are_the_migrated_ones(settings: DatabaseSettings) -> None:
    assert settings.migration_url is not None
    engine = create_async_engine(settings.migration_url.get_secret_value())
    async with engine.connect() as connection:
        differences = await connection.run_sync(lambda sync: metadata_differences(sync, metadata, "identity"))
    await engine.dispose()
    assert differences == []


async def test_limits_of_the_version_before_become_the_ceiling(settings: DatabaseSettings, db: Database) -> None:
    migration = runpy.run_path(str(MIGRATIONS / "0008_ceilings.py"))
    limited, free = (Tenant(new_id(), f"City {new_id()}", 1, CLOCK.now()) for _ in range(2))
    own = TenantSettings(quotas=Quotas(cameras=7), ai_budget=AiBudget(daily_usd=1.5))
    for tenant in (replace(limited, settings=own), free):
        async with db.uow(tenant.id) as uow:
            await PostgresRows(uow).add_tenant(tenant)
    assert settings.migration_url is not None
    engine = create_async_engine(settings.migration_url.get_secret_value())
    async with engine.begin() as connection:
        await connection.exec_driver_sql(migration["KEEP_LIMITS"])
    await engine.dispose()
    for tenant, ceiling in ((limited, {"quotas.cameras": 7, "ai_budget.daily_usd": 1.5}), (free, {})):
        async with db.uow(tenant.id) as uow:
            found = await PostgresRows(uow).tenant(tenant.id)
            assert found is not None
            assert found.ceiling == ceiling


async def test_a_tenant_sees_its_own_rows_and_none_sees_nothing(db: Database) -> None:
    mine, other = await add_user(db), await add_user(db)
    async with db.uow(mine.tenant_id) as uow:
        assert await PostgresRows(uow).user(mine.id) == mine
        assert await PostgresRows(uow).user(other.id) is None
        assert await PostgresRows(uow).tenant(other.tenant_id) is None
    async with db.uow(None) as uow:
        for table in ("tenant", "account", "api_key", "session", "refresh_token"):
            assert await uow.session.scalar(text(f"SELECT count(*) FROM {table}")) == 0


async def test_a_row_of_another_tenant_cannot_be_written(db: Database) -> None:
    mine, other = await add_user(db), await add_user(db)
    now = CLOCK.now()
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with db.uow(mine.tenant_id) as uow:
            foreign = Session(new_id(), other.tenant_id, other.id, SubjectKind.USER, now, now + timedelta(hours=1))
            await PostgresRows(uow).add_session(foreign)


async def test_login_names_cannot_be_listed(db: Database) -> None:
    user = await add_user(db)
    async with db.uow(None) as uow:
        assert await PostgresRows(uow).find_login(user.email) == user
        assert await PostgresRows(uow).find_login("nobody@example.org") is None
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with db.uow(None) as uow:
            await uow.session.execute(text("SELECT * FROM login_name"))


async def test_every_table_of_a_tenant_has_a_policy(db: Database) -> None:
    async with db.uow(None) as uow:
        unprotected = "relkind = 'r' AND relnamespace = 'identity'::regnamespace AND NOT relrowsecurity"
        found = await uow.session.execute(text(f"SELECT relname FROM pg_class WHERE {unprotected}"))
        # Tables of no tenant: transport, Alembic's, the installation's keys, and names that only functions may look up.
        assert {row.relname for row in found} == {"outbox", "inbox", "alembic_version", "signing_key", "login_name"}


class SlowMaker(RsaKeyMaker):
    """A key maker that waits, so that all processes see the empty table before one fills it."""

    def __init__(self, together: int) -> None:
        self._all_here = asyncio.Barrier(together)

    async def make(self) -> tuple[str, str, dict[str, str]]:
        await self._all_here.wait()
        kid = str(new_id())
        return kid, "private", {"kid": kid}


async def test_only_one_bootstrap_adds_the_first_key(db: Database) -> None:
    maker, vault = SlowMaker(3), Vault(encryption_keys())
    made = await asyncio.gather(*(Installation(db.uow, PostgresRows, vault, CLOCK).ensure_signing_key(maker) for _ in range(3)))
    assert sorted(made) == [False, False, True]
    async with db.uow(None) as uow:
        assert len(await PostgresRows(uow).signing_keys()) == 1


async def test_revocations_are_seen_across_tenants_while_they_last(db: Database) -> None:
    now, ids = CLOCK.now(), []
    for _ in range(2):
        user = await add_user(db)
        session = Session(new_id(), user.tenant_id, user.id, SubjectKind.USER, now, now + timedelta(days=1))
        async with db.uow(user.tenant_id) as uow:
            await PostgresRows(uow).add_session(session)
            await PostgresRows(uow).revoke_session(session.id, now + timedelta(minutes=15), EndReason.ENDED)
        ids.append(session.id)
    async with db.uow(None) as uow:
        assert set(ids) <= set(await PostgresRows(uow).revocations(now))
        assert not set(ids) & set(await PostgresRows(uow).revocations(now + timedelta(minutes=16)))


async def test_a_user_is_kept_whole(db: Database) -> None:
    made = await add_user(db)
    factor = SecondFactor("sealed", CLOCK.now(), 57_000_000)
    changed = replace(
        made,
        role=Role.AUDITOR,
        password_hash="another",
        camera_groups=None,
        disabled_at=CLOCK.now(),
        name="Ana",
        must_change_password=True,
        second_factor=factor,
    )
    async with db.uow(made.tenant_id) as uow:
        await PostgresRows(uow).save_user(changed)
    async with db.uow(made.tenant_id) as uow:
        assert await PostgresRows(uow).user(made.id) == changed
    async with db.uow(None) as uow:
        assert await PostgresRows(uow).find_login(made.email) == changed
        await PostgresRows(uow).write_nothing()


async def left(uow: UnitOfWork, user: User) -> int:
    unused = "SELECT count(*) FROM recovery_code WHERE account_id = :user AND used_at IS NULL"
    return int(await uow.session.scalar(text(unused), {"user": user.id}) or 0)


async def test_recovery_codes_belong_to_one_user_of_one_tenant(db: Database) -> None:
    mine, other = await add_user(db), await add_user(db)
    async with db.uow(mine.tenant_id) as uow:
        await PostgresRows(uow).replace_recovery_codes(mine.tenant_id, mine.id, ["a", "b"])
    async with db.uow(other.tenant_id) as uow:
        assert await left(uow, mine) == 0
        assert not await PostgresRows(uow).use_recovery_code(mine.id, "a", CLOCK.now())
        assert not await PostgresRows(uow).use_recovery_code(other.id, "a", CLOCK.now())
    async with db.uow(mine.tenant_id) as uow:
        assert await PostgresRows(uow).use_recovery_code(mine.id, "a", CLOCK.now())
        assert not await PostgresRows(uow).use_recovery_code(mine.id, "a", CLOCK.now())
        assert await left(uow, mine) == 1
        await PostgresRows(uow).replace_recovery_codes(mine.tenant_id, mine.id, ["c"])
        assert not await PostgresRows(uow).use_recovery_code(mine.id, "b", CLOCK.now())
