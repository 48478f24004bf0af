"""Tests of the recorder agent as a process of its own: it makes clips of what it indexed, and another one goes on after a kill -9."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.contracts.services import environment
from tests.fixtures.plugin import DatabaseFor
from tests.streaming.clips.conftest import FRAMES_A_S, Site, a_site, probe
from tests.streaming.clips.test_making import until
from tests.streaming.conftest import Running

from chassis.settings import RabbitSettings, RedisSettings

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media, pytest.mark.fault]

MINUTES = 40


@asynccontextmanager
async def an_agent(env: dict[str, str], log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streaming", "agent", env=os.environ | env, stdout=out, stderr=out
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture
async def site(running: Running, tmp_path: Path, long_film: Path) -> Site:
    """A camera with twenty minutes of recordings that nothing has indexed yet."""
    made = await a_site(running, tmp_path / "recordings")
    made.folder.mkdir()
    made.start -= timedelta(minutes=MINUTES)
    for minute in range(MINUTES):
        made.record(long_film, minute * 60, lasts_s=60)
    return made


@pytest.fixture
async def agent_env(site: Site, database_for: DatabaseFor, rabbitmq: RabbitSettings, redis_state: RedisSettings) -> dict[str, str]:
    database = site.running.db.engine.url.render_as_string(hide_password=False)
    return environment(
        "streaming",
        site.folder,
        DATABASE_URL=database,
        RABBITMQ_URL=rabbitmq.url.get_secret_value(),
        REDIS_CACHE_URL=redis_state.cache_url.get_secret_value(),
        REDIS_STATE_URL=redis_state.state_url.get_secret_value(),
        OBJECTS_URL=site.objects.url,
        RECORDINGS_FREE_FLOOR="0",
        THUMBNAILS_PER_S="0.1",
    )


async def test_another_agent_goes_on_after_a_kill(site: Site, agent_env: dict[str, str], tmp_path: Path) -> None:
    log, last_s = tmp_path / "agent.log", MINUTES * 60
    asked = site.asking(1, last_s)

    async def is_ordered() -> bool:
        answer = await site.ask("POST", "", json=asked)
        assert answer.status_code in {202, 404}, answer.text
        return bool(answer.status_code == 202)

    async with an_agent(agent_env, log) as agent:
        await until(is_ordered, within_s=120)
        [clip] = (await site.ask("GET", "")).json()["items"]
        await until(lambda: asyncio.to_thread(lambda: any(file.stat().st_size for file in site.work.glob("*.mp4"))), within_s=120)
        agent.send_signal(signal.SIGKILL)
    assert (await site.clip(clip["clip_id"]))["state"] == "running"
    assert list(site.work.iterdir()), "what it had begun is still there"
    async with site.running.db.uow(site.tenant) as uow:  # instead of waiting for it
        await uow.session.execute(text("UPDATE streaming.clips SET lease_until = now() - interval '1 second'"))

    async def is_ready() -> bool:
        return bool((await site.clip(clip["clip_id"]))["state"] == "ready")

    async with an_agent(agent_env, log):
        await until(is_ready, within_s=120)
    [file] = site.stored()
    recorded = (await site.clip(clip["clip_id"]))["recorded"]
    assert probe(file).frames == round(site.seconds(recorded[-1]["to"]) - site.seconds(recorded[0]["from"])) * FRAMES_A_S
    assert not list(site.work.iterdir())
