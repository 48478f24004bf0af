"""Tests of paths, and of a stream's health by its progress."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtvision.camera import CameraState
from gtvision.events import StreamCause
from gtvision.ids import new_id
from streaming.streams.domain import ChangeKind, PathConfig, PathStatus, Playability, StreamView, Unplayable, plan

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
STALL = timedelta(seconds=10)
CAMERA = UUID("018f0000-0000-7000-8000-000000000001")

paths = st.builds(
    PathConfig,
    name=st.integers(0, 6).map(lambda n: f"cam_018f0000-0000-7000-8000-00000000000{n}"),
    source=st.sampled_from("ab"),
    record=st.booleans(),
)


def apply(actual: dict[str, PathConfig], desired: list[PathConfig]) -> dict[str, PathConfig]:
    result = dict(actual)
    for change in plan(desired, actual.values()):
        if change.kind is ChangeKind.DELETE:
            del result[change.path.name]
        else:
            result[change.path.name] = change.path
    return result


class TestPlan:
    @given(st.lists(paths, unique_by=lambda p: p.name), st.lists(paths, unique_by=lambda p: p.name))
    def test_reaches_the_desired_state_and_then_has_nothing_to_do(self, actual: list[PathConfig], desired: list[PathConfig]) -> None:
        reached = apply({path.name: path for path in actual}, desired)
        assert sorted(reached.values(), key=lambda p: p.name) == sorted(desired, key=lambda p: p.name)
        assert plan(desired, reached.values()) == []

    def test_leaves_paths_of_others_alone(self) -> None:
        assert plan([], [PathConfig(name="lobby", source="rtsp://x", record=False)]) == []

    def test_never_shows_a_source(self) -> None:
        assert "secret" not in repr(PathConfig(name="cam_x", source="rtsp://u:secret@h/", record=True))


@pytest.mark.parametrize(
    ("codecs", "webrtc", "hls", "reason"),
    [
        ((), True, True, None),
        (("H264", "G711"), True, True, None),
        (("H265", "MPEG-4 Audio"), False, True, None),
        (("VP8",), True, False, None),
        (("M-JPEG",), False, False, Unplayable.CODEC_UNSUPPORTED),
        (("MPEG-4 Video", "MPEG-4 Audio"), False, False, Unplayable.CODEC_UNSUPPORTED),
        (("Generic",), False, False, Unplayable.CODEC_UNSUPPORTED),
        (("G711", "Opus"), False, False, Unplayable.NO_VIDEO),
    ],
)
def test_what_browsers_can_play(codecs: tuple[str, ...], webrtc: bool, hls: bool, reason: Unplayable | None) -> None:
    found = Playability.of(codecs)
    assert (found.webrtc, found.hls, found.playable, found.reason) == (webrtc, hls, reason is None, reason)
    is_heard = not {"G711", "MPEG-4 Audio"}.isdisjoint(codecs)
    assert PathStatus("cam", True, 1, codecs).can_be_shown is (found.playable or is_heard)
    assert not PathStatus("cam", False, 1, codecs).can_be_shown


def look(available: bool = True, inbound: int = 0) -> PathStatus:
    return PathStatus(name="cam", available=available, inbound_bytes=inbound, codecs=("H264",))


class TestStream:
    def view(self) -> StreamView:
        return StreamView(camera_id=CAMERA, tenant_id=new_id())

    def test_is_online_only_once_bytes_advance(self) -> None:
        first = self.view().observe(look(inbound=1000), NOW, STALL)
        assert first.state is CameraState.UNKNOWN
        second = first.observe(look(inbound=2000), NOW + timedelta(seconds=2), STALL)
        assert (second.state, second.revision, second.codecs) == (CameraState.ONLINE, 1, ("H264",))

    def test_an_available_path_without_progress_is_offline(self) -> None:
        view = self.view().observe(look(inbound=1), NOW, STALL).observe(look(inbound=2), NOW, STALL)
        view = view.observe(look(inbound=2), NOW + timedelta(seconds=9), STALL)
        assert view.state is CameraState.ONLINE
        view = view.observe(look(inbound=2), NOW + timedelta(seconds=10), STALL)
        assert (view.state, view.cause) == (CameraState.OFFLINE, StreamCause.NO_PROGRESS)

    @pytest.mark.parametrize(("status", "cause"), [(None, StreamCause.MEDIA_SERVER_DOWN), (look(False), StreamCause.UNREACHABLE)])
    def test_a_camera_that_is_offline_has_a_cause(self, status: PathStatus | None, cause: StreamCause) -> None:
        view = self.view().observe(status, NOW, STALL).observe(status, NOW + STALL, STALL)
        assert (view.state, view.cause, view.revision) == (CameraState.OFFLINE, cause, 1)

    def test_the_same_state_again_emits_nothing(self) -> None:
        view = self.view().observe(None, NOW, STALL).observe(None, NOW + STALL, STALL)
        assert view.observe(None, NOW + 2 * STALL, STALL).revision == view.revision

    def test_a_counter_that_restarts_counts_as_progress(self) -> None:
        view = self.view().observe(look(inbound=900), NOW, STALL).observe(look(inbound=1000), NOW, STALL)
        view = view.observe(look(False), NOW + STALL, STALL)
        assert view.state is CameraState.OFFLINE
        back = view.observe(look(inbound=10), NOW + 2 * STALL, STALL)
        assert back.state is CameraState.ONLINE

    def test_a_restart_of_ours_does_not_take_a_frozen_counter_for_progress(self) -> None:
        known = StreamView(camera_id=CAMERA, tenant_id=new_id(), state=CameraState.ONLINE, revision=4, since=NOW)
        view = known.observe(look(inbound=500), NOW, STALL).observe(look(inbound=500), NOW + STALL, STALL)
        assert view.state is CameraState.OFFLINE
