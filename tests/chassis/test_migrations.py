"""Tests of migrations: they may run again, at the same time and after a crash, and give the tables that the code declares."""

from __future__ import annotations

import asyncio
import runpy
import shutil
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.fixtures.databases import metadata_differences
from tests.fixtures.plugin import DatabaseFor

from chassis.migrations import find_migrations, run_migrations
from chassis.settings import DatabaseSettings
from gtvision.errors import Unavailable

SAMPLE = Path(__file__).parent / "sample"
BROKEN = '''"""Fails half way."""
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE TABLE half (id int)")
    {crash}
'''


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(database_for: DatabaseFor) -> DatabaseSettings:
    found: DatabaseSettings = await database_for("sample", migrations=SAMPLE)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def direct(settings: DatabaseSettings) -> AsyncIterator[AsyncEngine]:
    assert settings.migration_url is not None
    engine = create_async_engine(settings.migration_url.get_secret_value())
    yield engine
    await engine.dispose()


@pytest.mark.db
async def test_repeats_side_by_side_change_nothing(settings: DatabaseSettings, direct: AsyncEngine) -> None:
    assert settings.migration_url is not None
    program = (
        "import sys, pathlib; from chassis.migrations import run_migrations as run; run('sample', pathlib.Path(sys.argv[1]), sys.argv[2])"
    )
    command = (sys.executable, "-c", program, str(SAMPLE), settings.migration_url.get_secret_value())
    processes = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
    threads = [asyncio.to_thread(run_migrations, "sample", SAMPLE, settings.migration_url) for _ in range(2)]
    await asyncio.gather(*threads)
    assert [await process.wait() for process in processes] == [0, 0]
    assert await version(direct) == ["0001"]


@pytest.mark.db
async def test_tables_in_code_equal_the_migrated_ones(direct: AsyncEngine) -> None:
    metadata = runpy.run_path(str(SAMPLE / "tables.py"))["metadata"]
    async with direct.connect() as connection:
        assert await connection.run_sync(metadata_differences, metadata, "sample") == []


@pytest.mark.db
async def test_crash_leaves_whole_migrations_and_the_next_run_goes_on(
    settings: DatabaseSettings, direct: AsyncEngine, tmp_path: Path
) -> None:
    root = tmp_path / "sample"
    shutil.copytree(SAMPLE, root)
    second = root / "migrations" / "versions" / "0002_half.py"
    second.write_text(BROKEN.format(crash="raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        run_in_thread(root, settings)
    assert await version(direct) == ["0001"]
    shutil.rmtree(root / "migrations" / "versions" / "__pycache__", ignore_errors=True)
    second.write_text(BROKEN.format(crash=""))
    await asyncio.to_thread(run_migrations, "sample", root, settings.migration_url)
    assert await version(direct) == ["0002"]
    async with direct.connect() as connection:
        assert await connection.scalar(text("SELECT to_regclass('sample.half')")) is not None


@pytest.mark.db
async def test_an_older_release_leaves_a_newer_schema_as_it_is(settings: DatabaseSettings, direct: AsyncEngine) -> None:
    [before] = await version(direct)
    set_version = text("UPDATE sample.alembic_version SET version_num = :number")
    async with direct.begin() as connection:
        await connection.execute(set_version, {"number": "0999"})
    await asyncio.to_thread(run_migrations, "sample", SAMPLE, settings.migration_url)
    assert await version(direct) == ["0999"]
    async with direct.begin() as connection:
        await connection.execute(set_version, {"number": before})


@pytest.mark.db
def test_unreachable_server_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        run_migrations("sample", SAMPLE, SecretStr("postgresql+asyncpg://a:b@127.0.0.1:1/none"))
    with pytest.raises(Unavailable):
        run_migrations("sample", SAMPLE, None)


def test_migrations_are_found_beside_the_package(tmp_path: Path) -> None:
    assert find_migrations(SAMPLE) == SAMPLE / "migrations"
    with pytest.raises(FileNotFoundError):
        find_migrations(tmp_path / "nothing" / "here")


def run_in_thread(root: Path, settings: DatabaseSettings) -> None:
    """Runs the migrations in a thread, and raises there caught KeyboardInterrupt here: an executor cannot pass it on."""
    caught: list[BaseException] = []

    def work() -> None:
        try:
            run_migrations("sample", root, settings.migration_url)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]


async def version(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        await connection.execute(text("SET ROLE sample_owner"))
        return list((await connection.scalars(text("SELECT version_num FROM sample.alembic_version"))).all())
