"""Tests of recordings that stand still: told at once, one alert of a full disk, and over when they go on."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from tests.alerts.conditions.conftest import START, City

from alerts.alerts.domain import Notice
from gtvision.camera import RecordingSettings
from gtvision.events import CameraUpdated, GapCause, RecordingResumed, RecordingStopped

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def stop(city: City, camera: UUID, minutes: int = 0, cause: GapCause = GapCause.UNKNOWN, detail: str = "nothing_written") -> None:
    data = RecordingStopped(camera_id=camera, since=START + timedelta(minutes=minutes), cause=cause, detail=detail)
    await city.twice(city.events.on_recording_stopped, data)


async def resume(city: City, camera: UUID, minutes: int = 0) -> None:
    since = START + timedelta(minutes=minutes)
    data = RecordingResumed(camera_id=camera, since=since, resumed_at=since + timedelta(minutes=1))
    await city.twice(city.events.on_recording_resumed, data)


async def test_one_that_stopped_is_critical_at_once_until_it_goes_on(city: City) -> None:
    [camera] = await city.has(1)
    await stop(city, camera)
    [alert] = await city.alerts()
    assert (alert["kind"], alert["severity"], alert["title"]) == ("recording_stopped", "critical", "Gravação parada em Câmera 001")
    assert (alert["camera_id"], alert["sightings"]) == (str(camera), 1)
    assert alert["details"]["Causa"] == "O servidor de mídia recebe a imagem e não grava nada"
    await resume(city, camera)
    assert [each["state"] for each in await city.alerts()] == ["resolved"]
    assert [notice for notice, _ in city.told()] == [Notice.RAISED, Notice.RESOLVED]


async def test_events_that_come_in_another_order_leave_nothing_open(city: City) -> None:
    [camera] = await city.has(1)
    await resume(city, camera)
    await stop(city, camera)
    assert await city.alerts() == [], "it was over before we heard of it"
    await stop(city, camera, minutes=5)
    await resume(city, camera)  # of the stop before
    assert [each["state"] for each in await city.alerts()] == ["open"]


async def test_a_full_disk_is_one_alert_until_the_last_camera_is_written_again(city: City) -> None:
    first, second, third = await city.has(3)
    for camera in (first, second, third):
        await stop(city, camera, cause=GapCause.DISK, detail="No space left on device")
    [alert] = await city.alerts()
    assert (alert["camera_id"], alert["sightings"], len(alert["camera_ids"])) == (None, 3, 3)
    await resume(city, first)
    await resume(city, second)
    [alert] = await city.alerts()
    assert (alert["state"], alert["camera_ids"], alert["details"]["Câmeras"]) == ("open", [str(third)], "Câmera 003")
    await resume(city, third)
    assert [each["state"] for each in await city.alerts()] == ["resolved"]
    assert [notice for notice, _ in city.told()] == [Notice.RAISED, Notice.RESOLVED]


async def test_one_that_is_no_longer_to_be_recorded_does_not_stand_still(city: City) -> None:
    [camera] = await city.has(1)
    await stop(city, camera)
    off = RecordingSettings(enabled=False)
    changed = CameraUpdated(camera_id=camera, revision=2, name="Câmera 001", url_encrypted="x", recording=off)
    await city.twice(city.events.on_camera_updated, changed)
    assert [each["state"] for each in await city.alerts()] == ["resolved"]


async def test_planned_work_at_the_camera_is_told_to_nobody(city: City) -> None:
    planned, other = await city.has(2)
    await city.plan(cameras=(planned,))
    await stop(city, planned)
    await stop(city, other)
    assert [title for _, title in city.told()] == ["Gravação parada em Câmera 002"]
