"""Tests of the running cameras: their streams, the seam of the loop, the ground truth over HTTP, and every fault as a reader sees it."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.error
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import av
import pytest

from demo_cameras.scenes import FPS, LOOP_S, SCENES

if TYPE_CHECKING:
    from tests.demo_cameras.conftest import Running

pytestmark = pytest.mark.media

NAMES = [scene.name for scene in SCENES]
_OPTIONS = {"rtsp_transport": "tcp", "timeout": "30000000"}


def _packets(url: str, count: int) -> list[tuple[float, bool, bytes]]:
    """Returns (timestamp in seconds, key frame, data) of the first packets with a timestamp."""
    found = []
    with av.open(url, options=_OPTIONS, timeout=120) as container:
        for packet in container.demux(video=0):
            if packet.pts is None or packet.time_base is None or packet.size == 0:
                continue
            found.append((float(packet.pts * packet.time_base), packet.is_keyframe, bytes(packet)))
            if len(found) == count:
                break
    return found


def _describe(url: str) -> str:
    """Returns ffprobe's output: the codec, or its error."""
    argv = [
        "ffprobe",
        "-v",
        "error",
        "-rtsp_transport",
        "tcp",
        "-timeout",
        "30000000",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
        url,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    return done.stdout.strip() or done.stderr.strip()


def _comes_back(url: str) -> bool:
    """Returns whether the camera can be read again, for which it may need a while after a fault."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        if _describe(url) == "h264":
            return True
    return False


@pytest.fixture
def healed(cameras: Running) -> Any:
    """The camera server, whose faults are ended after the test."""
    yield cameras
    for camera in cameras.get("/cameras")["cameras"]:
        if camera["fault"] != "none":
            cameras.fault(camera["name"], "none")
            assert _comes_back(cameras.url(camera["name"]))


@pytest.mark.parametrize("name", NAMES)
def test_each_camera_streams_h264_with_a_key_frame_each_second(cameras: Running, name: str) -> None:
    packets = _packets(cameras.url(name), 3 * FPS + 2)
    keys = [at for at, key, _ in packets if key]
    assert len(keys) >= 3
    assert [round(later - earlier, 2) for earlier, later in pairwise(keys)] == [1.0] * (len(keys) - 1)


def test_a_reader_without_its_password_is_refused(cameras: Running) -> None:
    url = cameras.url("avenida")
    assert "401" in _describe(re.sub(r"//[^@]+@", "//", url))
    assert "401" in _describe(re.sub(r":[^:@]+@", ":wrong@", url))


def test_time_goes_on_over_the_seam_of_the_loop(cameras: Running) -> None:
    into_s = time.time() % LOOP_S
    packets = _packets(cameras.url("portaria"), int((LOOP_S - into_s + 4) * FPS))
    steps = [later[0] - earlier[0] for earlier, later in pairwise(packets)]
    assert min(steps) == pytest.approx(1 / FPS, abs=0.002)
    assert max(steps) == pytest.approx(1 / FPS, abs=0.002)


def test_many_readers_share_one_pipeline(cameras: Running) -> None:
    readers = [av.open(cameras.url("noturna"), options=_OPTIONS, timeout=120) for _ in range(3)]
    try:
        deadline = time.monotonic() + 300  # readers of the test before may still be connected
        while (listed := {camera["name"]: camera for camera in cameras.get("/cameras")["cameras"]})["noturna"]["readers"] != 3:
            assert time.monotonic() < deadline, listed
            time.sleep(0.2)
        assert "@" not in str(listed)
    finally:
        for reader in readers:
            reader.close()


def test_the_truth_tells_what_is_on_the_air(cameras: Running) -> None:
    now = datetime.now(UTC)
    truth = cameras.get(f"/cameras/cruzamento/truth?since={now.timestamp() - 180}&until={now.timestamp() + 60}")
    assert {passage["plate"] for passage in truth["passages"]} == {passage.plate.text for passage in SCENES[1].passages}
    assert abs((datetime.fromisoformat(truth["now"]) - now).total_seconds()) < 60
    first, last = (datetime.fromisoformat(truth["passages"][0][edge]) for edge in ("first_seen", "last_seen"))
    assert 2 <= (last - first).total_seconds() <= 6


def test_an_unknown_camera_fault_or_type_is_refused(cameras: Running) -> None:
    assert cameras.post("/cameras/nowhere/fault", {"fault": "drop"})[0] == 404
    assert cameras.post("/cameras/avenida/fault", {"fault": "explode"}) == (422, {"code": "unknown_fault"})
    assert cameras.post("/cameras/avenida/fault", ["drop"])[0] == 400
    assert cameras.post("/cameras/avenida/fault", {"fault": "drop"}, "text/plain") == (415, {"code": "not_json"})
    with pytest.raises(urllib.error.HTTPError) as missing:
        cameras.get("/cameras/nowhere/truth")
    missing.value.close()
    assert missing.value.code == 404


def test_refuse_ends_readers_and_describes_nothing(healed: Running) -> None:
    with av.open(healed.url("avenida"), options=_OPTIONS, timeout=120) as container:
        packets = container.demux(video=0)
        next(packets)
        healed.fault("avenida", "refuse")
        # the end comes as an error or as the stream's empty last packet
        assert _ends(packets)
    assert "404" in _describe(healed.url("avenida"))
    assert _describe(healed.url("noturna")) == "h264"
    healed.fault("avenida", "none")
    assert _comes_back(healed.url("avenida"))


def _ends(packets: Any) -> bool:
    try:
        for _ in range(20 * FPS):
            if next(packets).size == 0:
                return True
    except (av.FFmpegError, StopIteration):
        return True
    return False


def test_drop_cuts_a_reader_who_may_come_back(healed: Running) -> None:
    with av.open(healed.url("cruzamento"), options=_OPTIONS, timeout=120) as container:
        packets = container.demux(video=0)
        next(packets)
        healed.fault("cruzamento", "drop")
        assert _ends(packets)
    assert _comes_back(healed.url("cruzamento"))


def test_freeze_stops_the_data_and_not_the_connection(healed: Running) -> None:
    with av.open(healed.url("noturna"), options=_OPTIONS, timeout=(120, 15)) as container:
        packets = container.demux(video=0)
        next(packets)
        healed.fault("noturna", "freeze")
        with pytest.raises(av.error.ExitError):  # no packet for fifteen seconds on an open connection
            for _ in range(20 * FPS):
                next(packets)
    assert {camera["name"]: camera["fault"] for camera in healed.get("/cameras")["cameras"]}["noturna"] == "freeze"
    healed.fault("noturna", "none")
    assert _comes_back(healed.url("noturna"))
    assert len(_packets(healed.url("noturna"), FPS)) == FPS


def test_black_sends_a_black_picture_on_the_same_connection(healed: Running) -> None:
    with av.open(healed.url("portaria"), options=_OPTIONS, timeout=120) as container:
        frames = container.decode(video=0)
        assert next(frames).to_ndarray(format="gray").mean() > 40
        healed.fault("portaria", "black")
        # a slow reader gets older pictures first
        assert any(next(frames).to_ndarray(format="gray").mean() < 20 for _ in range(60 * FPS))
        healed.fault("portaria", "none")
        assert any(next(frames).to_ndarray(format="gray").mean() > 40 for _ in range(60 * FPS))


def test_wrong_password_is_401_until_it_ends(healed: Running) -> None:
    healed.fault("avenida", "wrong_password")
    assert "401" in _describe(healed.url("avenida"))
    assert _describe(healed.url("noturna")) == "h264"
    healed.fault("avenida", "none")
    assert _comes_back(healed.url("avenida"))


def test_no_keyframes_leaves_only_the_others(healed: Running) -> None:
    with av.open(healed.url("avenida"), options=_OPTIONS, timeout=120) as container:
        packets = container.demux(video=0)
        next(packets)
        healed.fault("avenida", "no_keyframes")
        since_key = 0
        for _ in range(60 * FPS):  # a slow reader gets older pictures first
            since_key = 0 if next(packets).is_keyframe else since_key + 1
            if since_key == 3 * FPS:
                break
        assert since_key == 3 * FPS


def test_a_fault_marks_the_truth_as_disturbed(healed: Running) -> None:
    healed.fault("noturna", "freeze")
    since = time.time()
    found = healed.get(f"/cameras/noturna/truth?since={since}&until={since + LOOP_S}")["passages"]
    assert found
    assert all(passage["disturbed"] for passage in found)
