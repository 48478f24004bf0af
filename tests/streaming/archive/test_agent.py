"""Tests of the recorder agent as a process of its own: it copies off-site, another one goes on after a kill -9, and copies come back."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from tests.chassis.waiting import until
from tests.contracts.services import environment
from tests.fixtures.plugin import DatabaseFor
from tests.streaming.archive.conftest import Site
from tests.streaming.buckets import BUCKET, KEY_ID, SECRET
from tests.streaming.clips.test_agent import an_agent

from chassis.settings import RabbitSettings, RedisSettings

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media, pytest.mark.fault]

PATIENCE_S = 120


@pytest.fixture
async def agent_env(site: Site, database_for: DatabaseFor, rabbitmq: RabbitSettings, redis_state: RedisSettings) -> dict[str, str]:
    return environment(
        "streaming",
        site.folder,
        DATABASE_URL=site.running.db.engine.url.render_as_string(hide_password=False),
        RABBITMQ_URL=rabbitmq.url.get_secret_value(),
        REDIS_CACHE_URL=redis_state.cache_url.get_secret_value(),
        REDIS_STATE_URL=redis_state.state_url.get_secret_value(),
        OBJECTS_URL=site.running.objects.url,
        RECORDINGS_FREE_FLOOR="0",
        ARCHIVE_URL=f"s3://{BUCKET}/city",
        ARCHIVE_S3_ENDPOINT=site.store.url,
        ARCHIVE_S3_ACCESS_KEY_ID=KEY_ID,
        ARCHIVE_S3_SECRET_ACCESS_KEY=SECRET,
        ARCHIVE_STORAGE_CLASS="STANDARD",
    )


def reads(process: asyncio.subprocess.Process, path: Path) -> bool:
    """Whether a process has the file open."""
    folder = Path(f"/proc/{process.pid}/fd")
    with suppress(FileNotFoundError):  # it closes others meanwhile
        return any(os.path.realpath(each) == str(path) for each in folder.iterdir())
    return False


async def test_another_agent_goes_on_after_a_kill_and_copies_come_back(
    site: Site, film: Path, agent_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("agent") / "agent.log"
    path = site.record(film, 0)
    padding = 6_000_000
    with path.open("ab") as file:
        file.write(padding.to_bytes(4, "big") + b"free" + bytes(padding - 8))
    written = site.clock.now().timestamp() - 60
    os.utime(path, (written, written))
    whole = path.read_bytes()

    async def sends() -> bool:
        return [row["state"] for row in await site.copies()] == ["pending"] and await asyncio.to_thread(reads, agent, path)

    async def is_copied() -> bool:
        return [row["state"] for row in await site.copies()] == ["copied"]

    async def is_back() -> bool:
        return await asyncio.to_thread(path.exists)

    async with an_agent(agent_env | {"ARCHIVE_MAX_MBPS": "0.5"}, log) as agent:  # a minute and a half for the file
        await until(sends, PATIENCE_S)
        agent.send_signal(signal.SIGKILL)
    [row] = await site.copies()
    assert (row["state"], await site.stored(row["object_key"])) == ("pending", None)
    async with an_agent(agent_env, log):
        await until(is_copied, PATIENCE_S)
        stored = await site.stored(row["object_key"])
        assert stored is not None
        assert stored["Body"] == whole
        path.unlink()
        body = {"camera_id": str(site.camera), "from": row["started_at"].isoformat(), "to": row["ended_at"].isoformat()}
        answer = await site.post("/recordings/archive/restore", body)
        assert answer.status_code == 202, answer.text
        await until(is_back, PATIENCE_S)
        assert path.read_bytes() == whole
