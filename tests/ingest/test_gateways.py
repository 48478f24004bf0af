"""Gateways on the real thing: RTSP streams, JPEG, Redis."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import pytest_asyncio
from pydantic import SecretStr
from redis.asyncio import Redis
from tests.fixtures import needs

from chassis.health import Heartbeats
from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from gtvision.camera import AiSettings
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from gtvision.time import SystemClock
from ingest.domain.cameras import KnownCamera
from ingest.domain.grabbing import StreamBroken
from ingest.gateways.broker_sink import BrokerFrameSink
from ingest.gateways.jpeg import TurboJpegEncoder
from ingest.gateways.pyav_reader import PyAvStreamReader, ReaderLimits
from ingest.gateways.redis_roll import RedisGrabberRoll
from ingest.ports import GrabbedFrame, Picture, Plane
from servers import free_port

GSTREAMER_PYTHON = "/usr/bin/python3"
X264 = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15"
X264_B = "x264enc bframes=3 b-adapt=false rc-lookahead=0 sync-lookahead=0 speed-preset=veryfast key-int-max=15"
X264_NO_KEYS = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=100000"


def _gstreamer_missing() -> str | None:
    probe = [GSTREAMER_PYTHON, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]
    if not Path(GSTREAMER_PYTHON).exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        return "needs python3-gi and gir1.2-gst-rtsp-server-1.0"
    if shutil.which("gst-inspect-1.0") and subprocess.run(["gst-inspect-1.0", "x264enc"], capture_output=True, check=False).returncode:
        return "needs gstreamer1.0-plugins-ugly"
    return None


@contextmanager
def camera_process(encoder: str, *credentials: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running camera: its URL, and its process to stop or kill."""
    if missing := _gstreamer_missing():
        needs.left_out(missing)
    port = free_port()
    script = Path(__file__).with_name("rtsp_camera.py")
    process = subprocess.Popen([GSTREAMER_PYTHON, str(script), str(port), encoder, *credentials], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "READY"
        yield f"rtsp://127.0.0.1:{port}/cam", process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def reader(limits: ReaderLimits | None = None, user: str = "", password: str = "") -> PyAvStreamReader:
    return PyAvStreamReader(SystemClock(), user, SecretStr(password), limits or ReaderLimits(open_timeout_s=60, read_timeout_s=60))


def some(source: PyAvStreamReader, url: str, count: int) -> list[Picture]:
    found: list[Picture] = []
    for picture in source.pictures(url, lambda _: True, lambda: len(found) >= count):
        found.append(picture)
        if len(found) == count:
            break
    return found


@pytest.mark.media
class TestReader:
    @pytest.mark.parametrize("encoder", [X264, X264_B], ids=["no B-frames", "B-frames"])
    def test_key_frames_come_as_they_are_sent(self, encoder: str) -> None:
        with camera_process(encoder) as (url, _):
            asked: list[float] = []
            pictures: list[Picture] = []

            def wanted(stream_s: float) -> bool:
                asked.append(stream_s)
                return True

            for picture in reader().pictures(url, wanted, lambda: False):
                assert picture.stream_s == asked[-1], "none waits for its successor"
                pictures.append(picture)
                if len(pictures) == 4:
                    break
        assert [(picture.width_px, picture.height_px, picture.u.shape) for picture in pictures] == [(640, 360, (180, 320))] * 4
        steps = np.diff([picture.stream_s for picture in pictures])
        assert steps == pytest.approx([1.0] * 3, abs=0.15)

    def test_unwanted_key_frames_are_not_decoded(self) -> None:
        with camera_process(X264) as (url, _):
            asked: list[float] = []

            def wanted(stream_s: float) -> bool:
                asked.append(stream_s)
                return len(asked) % 2 == 0

            for _ in zip(range(2), reader().pictures(url, wanted, lambda: False), strict=False):
                pass
        assert len(asked) == 4

    def test_credentials_are_used_and_never_shown(self, capfd: pytest.CaptureFixture[str]) -> None:
        with camera_process(X264, "reader", "s3cr:et/@") as (url, _):
            assert some(reader(user="reader", password="s3cr:et/@"), url, 1)
            with pytest.raises(StreamBroken) as refused:
                some(reader(user="reader", password="wr0ng"), url, 1)
        assert refused.value.cause == "refused"
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__
        out = "".join(capfd.readouterr())
        assert "s3cr" not in out
        assert "wr0ng" not in out

    def test_a_frozen_camera_is_left_in_time(self) -> None:
        import signal

        with camera_process(X264) as (url, process):
            source = reader(ReaderLimits(open_timeout_s=60, read_timeout_s=5)).pictures(url, lambda _: True, lambda: False)
            next(source)
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(StreamBroken, match=r"stalled_or_cut|ended"):
                for _ in source:
                    pass
            process.send_signal(signal.SIGCONT)

    def test_a_flood_is_cut(self) -> None:
        with camera_process(X264) as (url, _), pytest.raises(StreamBroken, match="flood"):
            some(reader(ReaderLimits(open_timeout_s=60, read_timeout_s=60, bytes_per_s=2_000)), url, 100)

    def test_a_camera_without_key_frames_is_broken(self) -> None:
        with camera_process(X264_NO_KEYS) as (url, _), pytest.raises(StreamBroken, match="no_key_frames"):
            some(reader(ReaderLimits(open_timeout_s=60, read_timeout_s=60, no_key_frame_s=2)), url, 100)

    @pytest.mark.parametrize(
        "url", ["file:///etc/passwd", "concat:/etc/passwd", "http://127.0.0.1/x", "-f", "", "rtsp://", "rtsp:///x", "tcp://127.0.0.1:1/"]
    )
    def test_other_addresses_are_refused(self, url: str) -> None:
        with pytest.raises(StreamBroken, match="bad_url"):
            some(reader(), url, 1)

    def test_a_path_that_is_not_there(self) -> None:
        with camera_process(X264) as (url, _), pytest.raises(StreamBroken, match="not_found"):
            some(reader(), url + "x", 1)

    def test_nobody_there(self) -> None:
        with pytest.raises(StreamBroken, match="unreachable"):
            some(reader(), f"rtsp://127.0.0.1:{free_port()}/cam", 1)


def colour_bars(full_range: bool) -> tuple[Picture, Plane]:
    """A picture as a decoder gives it, and what it shows (BGR)."""
    shown = np.zeros((64, 128, 3), np.uint8)
    for each, colour in enumerate([(200, 200, 200), (30, 30, 30), (40, 40, 220), (220, 60, 40)]):
        shown[:, each * 32 : each * 32 + 32] = colour
    frame = av.VideoFrame.from_ndarray(shown, format="bgr24").reformat(format="yuvj420p" if full_range else "yuv420p")
    y, u, v = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width] for plane in frame.planes
    )
    return Picture(y, u, v, 0.0, full_range), shown


@pytest.mark.parametrize("full_range", [False, True])
def test_a_jpeg_shows_what_the_camera_saw(full_range: bool) -> None:
    picture, shown = colour_bars(full_range)
    jpeg = TurboJpegEncoder(95).encode(picture)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    for x in (16, 48, 80, 112):
        assert np.abs(decoded[32, x].astype(int) - shown[32, x].astype(int)).max() <= 8


class SlowPublisher:
    """A frames lane that a test opens and closes."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.tried = 0
        self.sent: list[int] = []
        self.down = False

    async def publish(self, frame_jpeg: bytes, headers: object) -> None:
        self.tried += 1
        await self.open.wait()
        if self.down:
            raise Unavailable
        self.sent.append(headers.sequence)  # type: ignore[attr-defined]


def grabbed(sequence: int) -> GrabbedFrame:
    camera = KnownCamera(new_id(), new_id(), 3, True, frozenset(), AiSettings())
    now = SystemClock().now()
    return GrabbedFrame(camera, b"jpeg", now, now, 640, 360, None, sequence, None)


async def tried(lane: SlowPublisher, times: int) -> None:
    async with asyncio.timeout(120):
        while lane.tried < times:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0)  # who was tried last is through


class TestSink:
    @pytest_asyncio.fixture(loop_scope="session")
    async def sink(self) -> AsyncIterator[tuple[BrokerFrameSink, SlowPublisher]]:
        publisher = SlowPublisher()
        sink = BrokerFrameSink(publisher, waiting=10)  # type: ignore[arg-type]
        task = asyncio.create_task(sink.run(Heartbeats().register("sink")))
        await asyncio.sleep(0)
        yield sink, publisher
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def test_a_closed_lane_keeps_the_newest_and_bounds_memory(self, sink: tuple[BrokerFrameSink, SlowPublisher]) -> None:
        frames, lane = sink
        for each in range(8):
            frames.offer(grabbed(1_000 + each))
        await tried(lane, 8)  # every sender is held up, and takes no more

        def flood() -> None:
            for each in range(500):
                frames.offer(grabbed(each))

        await asyncio.to_thread(flood)
        lane.open.set()
        await tried(lane, 10 + 8)
        assert sorted(lane.sent) == [*range(490, 500), *range(1_000, 1_008)]

    async def test_a_broker_that_is_down_costs_frames_and_nothing_else(self, sink: tuple[BrokerFrameSink, SlowPublisher]) -> None:
        frames, lane = sink
        lane.open.set()
        lane.down = True
        for each in range(5):
            frames.offer(grabbed(each))
        await tried(lane, 5)
        lane.down = False
        frames.offer(grabbed(7))
        await tried(lane, 6)
        assert lane.sent == [7]


@pytest.mark.broker
class TestRoll:
    @pytest_asyncio.fixture(loop_scope="session")
    async def redis(self, redis_state: RedisSettings) -> AsyncIterator[Redis]:
        client = connect_redis(redis_state.state_url)
        await client.flushdb()
        yield client
        await client.aclose()

    async def test_the_living_are_on_it_and_the_silent_fall_off(self, redis: Redis) -> None:
        roll, hasty = (RedisGrabberRoll(redis, dead_after_s=seconds) for seconds in (600, 1))
        assert await roll.report("a") == {"a"}
        assert await roll.report("b") == {"a", "b"}
        async with asyncio.timeout(120):
            while await hasty.report("b") != {"b"}:
                await asyncio.sleep(0.2)

    async def test_who_leaves_is_gone_at_once(self, redis: Redis) -> None:
        roll = RedisGrabberRoll(redis, dead_after_s=60)
        await roll.report("a")
        await roll.report("b")
        await roll.leave("a")
        assert await roll.report("b") == {"b"}

    async def test_an_absent_redis_is_unavailable(self) -> None:
        client = connect_redis(f"redis://127.0.0.1:{free_port()}/0")
        with pytest.raises(Unavailable):
            await RedisGrabberRoll(client, dead_after_s=1).report("a")
        await client.aclose()
