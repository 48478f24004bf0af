"""Paths, health by progress, and the chain of recordings."""

from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtvision.camera import CameraState
from gtvision.events import StreamCause
from gtvision.ids import new_id
from streaming.domain import (
    GENESIS,
    ChangeKind,
    PathConfig,
    PathStatus,
    SegmentFile,
    StreamView,
    finished,
    next_link,
    parse_segment_path,
    plan,
    to_delete,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
STALL = timedelta(seconds=10)
CAMERA = UUID("018f0000-0000-7000-8000-000000000001")
OTHER = UUID("018f0000-0000-7000-8000-000000000002")

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
    def test_says_why(self, status: PathStatus | None, cause: StreamCause) -> None:
        view = self.view().observe(status, NOW, STALL).observe(status, NOW + STALL, STALL)
        assert (view.state, view.cause, view.revision) == (CameraState.OFFLINE, cause, 1)

    def test_the_same_state_again_is_no_news(self) -> None:
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


def recording(camera: UUID, at: datetime, size: int = 10, modified: datetime | None = None) -> SegmentFile:
    path = PurePosixPath(f"cam_{camera}") / f"{at:%Y-%m-%d_%H-%M-%S-%f}.mp4"
    return SegmentFile(path=path, camera_id=camera, started_at=at, size_bytes=size, modified_at=modified or at + timedelta(minutes=1))


class TestSegments:
    def test_path_is_read_back(self) -> None:
        at = datetime(2026, 5, 1, 12, 0, 3, 250_000, tzinfo=UTC)
        assert parse_segment_path(recording(CAMERA, at).path) == (CAMERA, at)

    @pytest.mark.parametrize("path", ["x.mp4", "cam_1/2026.mp4", f"cam_{CAMERA}/notes.txt", f"cam_{CAMERA}/2026-13-01_00-00-00-0.mp4"])
    def test_other_files_are_none_of_ours(self, path: str) -> None:
        assert parse_segment_path(PurePosixPath(path)) is None

    def test_the_newest_file_is_finished_only_when_idle(self) -> None:
        old, new = recording(CAMERA, NOW), recording(CAMERA, NOW + timedelta(minutes=1), modified=NOW + timedelta(minutes=1, seconds=5))
        lone = recording(OTHER, NOW, modified=NOW)
        now = NOW + timedelta(minutes=1, seconds=10)
        assert finished([new, old, lone], now, timedelta(seconds=20)) == [old, lone]

    def test_chain_depends_on_everything_before(self) -> None:
        a, b = "aa" * 32, "bb" * 32
        assert next_link(next_link(GENESIS, a), b) != next_link(next_link(GENESIS, b), a)

    def test_quota_takes_the_oldest_and_never_what_is_being_written(self) -> None:
        files = [recording(CAMERA, NOW + timedelta(minutes=m)) for m in range(4)] + [recording(OTHER, NOW - timedelta(days=1))]
        doomed = to_delete(files, max_bytes=25, missing_free_bytes=0, keep_days={}, now=NOW)
        assert doomed == files[:3]
        assert to_delete(files, max_bytes=0, missing_free_bytes=0, keep_days={}, now=NOW) == files[:3]

    def test_free_space_counts_like_the_quota(self) -> None:
        files = [recording(CAMERA, NOW + timedelta(minutes=m)) for m in range(4)]
        assert to_delete(files, max_bytes=1000, missing_free_bytes=11, keep_days={}, now=NOW) == files[:2]

    def test_age_is_by_camera(self) -> None:
        files = [recording(camera, NOW + timedelta(minutes=m)) for camera in (CAMERA, OTHER) for m in range(2)]
        later = NOW + timedelta(days=2)
        assert to_delete(files, max_bytes=1000, missing_free_bytes=0, keep_days={CAMERA: 1, OTHER: 5}, now=later) == [files[0]]
