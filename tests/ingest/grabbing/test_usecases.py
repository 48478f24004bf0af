"""Tests of grabbing on fakes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from structlog.testing import capture_logs

from gtvision.camera import AiSettings
from gtvision.geometry import Box
from gtvision.ids import new_id
from gtvision.time import Clock, FakeClock, SystemClock
from ingest import metrics
from ingest.grabbing.domain import GrabbedFrame, KnownCamera, Look, Picture, Plane, StreamBroken, StreamState
from ingest.grabbing.usecases import CameraGrab, CameraThread, GrabberPool, GrabTools

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def camera(read_url: str = "rtsp://media/cam", fps: float = 1.0) -> KnownCamera:
    return KnownCamera(new_id(), new_id(), 1, True, frozenset(), AiSettings(fps=fps), StreamState.ONLINE, read_url)


def picture(stream_s: float) -> Picture:
    plane: Plane = np.zeros((4, 4), np.uint8)
    return Picture(plane, plane, plane, stream_s, full_range=False)


class ScriptedGate:
    """A motion gate that answers what the test says."""

    def __init__(self) -> None:
        self.next = Look(moved=None, news=True)

    def look(self, luma: Plane, elapsed_s: float) -> Look:
        return self.next

    def sent(self) -> None:
        self.next = Look(self.next.moved, news=False)


class Encoder:
    def encode(self, picture: Picture) -> bytes:
        return b"jpeg"


class Sink:
    def __init__(self) -> None:
        self.frames: list[GrabbedFrame] = []

    def offer(self, frame: GrabbedFrame) -> None:
        self.frames.append(frame)


class NoReader:
    def pictures(
        self, read_url: str, wanted: Callable[[float], bool], stopped: Callable[[], bool], *, patience: int = 1
    ) -> Iterator[Picture]:
        if stopped():
            yield picture(0.0)
        raise StreamBroken("unreachable")


class TestGrab:
    def _grab(self) -> tuple[CameraGrab, ScriptedGate, Sink, FakeClock]:
        gate, sink, clock = ScriptedGate(), Sink(), FakeClock(NOW)
        return CameraGrab(camera(), GrabTools(NoReader(), lambda _: gate, Encoder(), sink, clock, keep_alive_s=30)), gate, sink, clock

    def _pass(self, grab: CameraGrab, clock: FakeClock, seconds: int) -> None:
        for _ in range(seconds):
            clock.advance(1)
            grab.take(picture(clock.monotonic()))

    def test_quiet_pictures_go_out_every_half_minute(self) -> None:
        grab, _, sink, clock = self._grab()
        self._pass(grab, clock, 61)
        assert [frame.sequence for frame in sink.frames] == [1, 2, 3]
        assert sink.frames[1].captured_at - sink.frames[0].captured_at == timedelta(seconds=30)
        assert all(frame.motion_box is None for frame in sink.frames)

    def test_motion_goes_out_with_its_box_and_identical_pictures_do_not(self) -> None:
        grab, gate, sink, clock = self._grab()
        self._pass(grab, clock, 1)
        box = Box(x1=0.1, y1=0.1, x2=0.4, y2=0.4)
        gate.next = Look(box, news=True)
        self._pass(grab, clock, 10)
        assert [frame.motion_box for frame in sink.frames] == [None, box]
        gate.next = Look(box, news=True)
        self._pass(grab, clock, 1)
        assert len(sink.frames) == 3

    def test_a_delayed_frame_carries_its_capture_time(self) -> None:
        grab, gate, sink, clock = self._grab()
        self._pass(grab, clock, 3)
        gate.next = Look(Box(x1=0, y1=0, x2=1, y2=1), news=True)
        clock.advance(2.5)
        grab.take(picture(4.0))
        assert sink.frames[-1].arrived_at - sink.frames[-1].captured_at == pytest.approx(
            timedelta(seconds=1.5), abs=timedelta(milliseconds=10)
        )
        assert sink.frames[-1].clock_skew_ms is None

    def test_a_clock_that_is_off_takes_the_arrival_and_carries_the_skew(self) -> None:
        grab, gate, sink, clock = self._grab()
        self._pass(grab, clock, 3)
        gate.next = Look(Box(x1=0, y1=0, x2=1, y2=1), news=True)
        clock.advance(1)
        grab.take(picture(4.0 - 3600))
        assert sink.frames[-1].captured_at == sink.frames[-1].arrived_at
        assert sink.frames[-1].clock_skew_ms == pytest.approx(-3_600_000, abs=100)


class ScriptedReader:
    """A reader whose streams give some pictures and end; it counts how often they were opened."""

    def __init__(self, pictures: int = 2) -> None:
        self._opened: list[str] = []
        self.running = threading.Event()
        self._pictures = pictures

    @property
    def opened(self) -> int:
        return len(self._opened)

    def pictures(
        self, read_url: str, wanted: Callable[[float], bool], stopped: Callable[[], bool], *, patience: int = 1
    ) -> Iterator[Picture]:
        self._opened.append(read_url)
        if "bad" in read_url:
            raise RuntimeError("a surprise")
        for each in range(self._pictures):
            yield picture(float(each))
        self.running.set()
        while not stopped():
            threading.Event().wait(0.005)


class BreakingReader:
    """A reader whose streams fail one after the other with the given causes; one in capitals comes after a picture."""

    def __init__(self, *breaks: StreamBroken) -> None:
        self._breaks = list(breaks)
        self.patience: list[int] = []
        self.over = threading.Event()

    def pictures(
        self, read_url: str, wanted: Callable[[float], bool], stopped: Callable[[], bool], *, patience: int = 1
    ) -> Iterator[Picture]:
        self.patience.append(patience)
        if not self._breaks:
            self.over.set()
            raise StreamBroken("over")
        broken = self._breaks.pop(0)
        if broken.cause.isupper():
            yield picture(0.0)
        raise broken


class TestThreads:
    def _tools(self, reader: ScriptedReader | BreakingReader, sink: Sink | None = None, clock: Clock | None = None) -> GrabTools:
        at_once = (timedelta(), timedelta())
        return GrabTools(reader, lambda _: ScriptedGate(), Encoder(), sink or Sink(), clock or SystemClock(), retry=at_once)

    def _run(self, reader: BreakingReader) -> None:
        """Runs one camera's thread until the reader has used its last cause."""
        thread = CameraThread(camera(), self._tools(reader))
        thread.start()
        assert reader.over.wait(120)
        thread.stop()
        assert thread.join(120)

    def test_a_pool_reads_exactly_what_it_is_assigned(self) -> None:
        reader, sink = ScriptedReader(), Sink()
        pool = GrabberPool(self._tools(reader, sink))
        first, second = camera(), camera()
        pool.assign([first, second])
        pool.assign([first, second])
        assert pool.cameras == {first.camera_id, second.camera_id}
        assert reader.running.wait(120)
        while reader.opened < 2:  # a thread that is ended before it began would open nothing
            threading.Event().wait(0.005)
        pool.assign([second])
        assert pool.cameras == {second.camera_id}
        pool.close(120)
        assert pool.cameras == frozenset()
        assert reader.opened == 2

    def test_changed_settings_open_the_camera_anew(self) -> None:
        reader, sink = ScriptedReader(), Sink()
        pool = GrabberPool(self._tools(reader, sink))
        first = camera()
        pool.assign([first])
        assert reader.running.wait(120)
        changed = KnownCamera(first.tenant_id, first.camera_id, 2, True, frozenset(), AiSettings(fps=2), StreamState.ONLINE, first.read_url)
        reader.running.clear()
        pool.assign([changed])
        assert reader.running.wait(120)
        worse = KnownCamera(first.tenant_id, first.camera_id, 3, True, frozenset(), AiSettings(fps=2), StreamState.DEGRADED, first.read_url)
        pool.assign([worse])
        pool.close(120)
        assert reader.opened == 2

    def test_a_slow_stream_is_waited_for_longer_and_no_other(self) -> None:
        reader = BreakingReader(*(StreamBroken("no_key_frames", slow=True) for _ in range(3)), StreamBroken("refused"))
        self._run(reader)
        assert reader.patience[:5] == [1, 2, 4, 4, 1]

    def test_a_break_warns_once_until_there_is_a_picture(self) -> None:
        blind = [StreamBroken(cause) for cause in ("no_key_frames", "no_key_frames", "refused", "NO_KEY_FRAMES", "NO_KEY_FRAMES")]
        reader = BreakingReader(*blind)
        with capture_logs() as logs:
            self._run(reader)
        said = [(each["cause"], each["log_level"]) for each in logs if each["event"] == "stream_broke"]
        assert said[:5] == [
            ("no_key_frames", "warning"),
            ("no_key_frames", "info"),
            ("refused", "warning"),
            ("NO_KEY_FRAMES", "warning"),
            ("NO_KEY_FRAMES", "warning"),
        ]

    def test_cameras_without_key_frames_are_counted(self) -> None:
        clock = FakeClock(NOW)

        class Idle(CameraThread):
            def start(self) -> None: ...

        pool = GrabberPool(self._tools(ScriptedReader(), Sink(), clock), hung_after_s=600, thread_for=Idle)
        seeing, blind = camera(), camera()
        pool.assign([seeing, blind])
        clock.advance(61)
        pool._threads[seeing.camera_id]._grab.wants(1.0)
        pool.assign([seeing, blind])
        assert metrics.CAMERAS_WITHOUT_KEY_FRAMES._value.get() == 1
        pool.assign([seeing])
        assert metrics.CAMERAS_WITHOUT_KEY_FRAMES._value.get() == 0

    def test_a_surprise_in_one_camera_is_survived(self) -> None:
        reader, sink = ScriptedReader(), Sink()
        pool = GrabberPool(self._tools(reader, sink))
        good = camera()
        pool.assign([camera("rtsp://media/bad"), good])
        assert reader.running.wait(120)
        assert sink.frames
        pool.close(120)

    def test_a_thread_that_hangs_is_replaced(self) -> None:
        clock = FakeClock(NOW)
        made: list[CameraThread] = []

        class Hanging(CameraThread):
            def start(self) -> None:
                made.append(self)

        tools = GrabTools(ScriptedReader(), lambda _: ScriptedGate(), Encoder(), Sink(), clock)
        pool = GrabberPool(tools, hung_after_s=60, thread_for=Hanging)
        one = camera()
        pool.assign([one])
        clock.advance(59)
        pool.assign([one])
        assert len(made) == 1
        clock.advance(2)
        pool.assign([one])
        assert len(made) == 2
