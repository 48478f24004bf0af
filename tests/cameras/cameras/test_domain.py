"""Tests of the rules of cameras."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cameras.cameras.domain import Camera, CameraSettings, Fleet, Sighting, check_groups
from gtvision.camera import CameraState
from gtvision.errors import Forbidden, StaleRevision
from gtvision.events import StreamCause
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def camera() -> Camera:
    return Camera(new_id(), new_id(), CameraSettings("Praça"), "sealed", "rtsp://10.0.0.5/s", 3, NOW, NOW)


def test_a_change_is_the_next_revision_and_no_change_is_none(camera: Camera) -> None:
    assert camera.changed(camera.settings, LATER) is camera
    renamed = camera.changed(replace(camera.settings, name="Rua"), LATER)
    assert (renamed.revision, renamed.updated_at, renamed.url_sealed) == (4, LATER, "sealed")
    moved = camera.changed(camera.settings, LATER, url=("other", "rtsp://10.0.0.6/s"))
    assert (moved.revision, moved.url_sealed, moved.url_shown) == (4, "other", "rtsp://10.0.0.6/s")


def test_only_the_expected_revision_is_changed(camera: Camera) -> None:
    camera.check_revision(None)
    camera.check_revision(3)
    for revision in (2, 4):
        with pytest.raises(StaleRevision):
            camera.check_revision(revision)


def test_a_camera_switched_off_is_not_missing(camera: Camera) -> None:
    offline = replace(camera, sighting=Sighting(CameraState.OFFLINE, NOW, StreamCause.UNREACHABLE, 7))
    off = offline.changed(replace(camera.settings, enabled=False), LATER)
    assert off.shown_sighting() == Sighting(CameraState.DISABLED, LATER, StreamCause.DISABLED, 7)
    told = replace(off, sighting=Sighting(CameraState.DISABLED, NOW, StreamCause.DISABLED, 8))
    assert told.shown_sighting().since == NOW
    on = told.changed(camera.settings, LATER)
    assert on.shown_sighting() == Sighting(CameraState.UNKNOWN, LATER, None, 8)
    assert offline.shown_sighting() == offline.sighting


def test_a_sealed_address_is_not_in_a_traceback(camera: Camera) -> None:
    assert "sealed" not in repr(camera).replace("url_sealed", "")


def test_a_caller_who_is_limited_to_groups_stays_inside() -> None:
    north, south = new_id(), new_id()

    def limited(groups: frozenset[object] | None) -> Caller:
        return Caller(new_id(), new_id(), Role.ADMIN, frozenset(), new_id(), groups)  # type: ignore[arg-type]

    check_groups(limited(None), frozenset())
    check_groups(limited(frozenset({north, south})), frozenset({north}))
    for groups in (frozenset(), frozenset({south}), frozenset({north, south})):
        with pytest.raises(Forbidden):
            check_groups(limited(frozenset({north})), groups)


def test_the_fleet_is_counted() -> None:
    fleet = Fleet.of({CameraState.ONLINE: 3, CameraState.OFFLINE: 1})
    assert (fleet.total, fleet.online, fleet.offline, fleet.degraded) == (4, 3, 1, 0)
