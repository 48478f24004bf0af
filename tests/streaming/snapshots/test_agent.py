"""Test of the recorder agent as it runs: a recording that is there gets its thumbnail."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fixtures.databases import PATIENCE_S
from tests.fixtures.plugin import DatabaseFor
from tests.streaming.conftest import CLOCK
from tests.streaming.snapshots.conftest import frame_number, grey_of_seconds, make_film

from chassis.settings import ObjectsSettings, RabbitSettings, RedisSettings
from gtvision.camera import path_name
from gtvision.ids import new_id
from servers import free_port
from streaming.app import create_agent
from streaming.settings import AgentSettings, RecordingSettings

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]


async def test_a_finished_recording_gets_its_thumbnail(
    database_for: DatabaseFor, rabbitmq: RabbitSettings, redis_state: RedisSettings, tmp_path: Path
) -> None:
    start = CLOCK.now() - timedelta(minutes=5)
    recordings = tmp_path / "recordings"
    path = recordings / path_name(new_id()) / f"{start:%Y-%m-%d_%H-%M-%S-%f}.mp4"
    make_film(path, source=grey_of_seconds(2))
    os.utime(path, (start.timestamp(), start.timestamp()))
    recording = {"RECORDINGS_PATH": recordings, "RECORDINGS_SCAN_INTERVAL_S": 0.2, "RECORDINGS_FREE_FLOOR": 0}
    agent = create_agent(
        AgentSettings(
            service_name="streaming",
            private_port=free_port(),
            db=await database_for("streaming"),
            rabbit=rabbitmq,
            redis=redis_state,
            objects=ObjectsSettings(url=(tmp_path / "objects").as_uri()),
            recording=RecordingSettings.model_validate(recording),
        )
    )
    thumbnail = path.with_suffix(".jpg")
    async with agent.started(), asyncio.timeout(PATIENCE_S):
        while not thumbnail.exists():
            await asyncio.sleep(0.1)
    assert frame_number(thumbnail.read_bytes()) == 0
