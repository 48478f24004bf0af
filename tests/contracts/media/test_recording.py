"""Tests of recordings: files that players open, in the folder and under the names that the recorder agent expects."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from tests.contracts.media.conftest import PATIENCE_S, Camera, MediaServer, wait_for

from gtvision.time import SystemClock

pytestmark = pytest.mark.media

NAME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-\d{6}\.mp4")


def files(server: MediaServer, name: str) -> list[Path]:
    folder = server.recordings / name
    return sorted(folder.iterdir()) if folder.exists() else []


def moment(file: Path) -> datetime:
    return datetime.strptime(file.stem, "%Y-%m-%d_%H-%M-%S-%f").replace(tzinfo=UTC)


def packets(file: Path) -> list[Any]:
    """Returns time and key flag of the file's packets; none while its header is incomplete."""
    try:
        with av.open(str(file)) as container:
            found = container.demux(video=0)
            return [(float(packet.pts * packet.time_base), packet.is_keyframe) for packet in found if packet.pts is not None]
    except av.error.InvalidDataError:
        return []


def length_s(file: Path) -> float:
    times = packets(file)
    return float(times[-1][0] + times[1][0])


def agrees(file: Path, following: Path) -> bool:
    """Returns whether a file's start and duration lead to the start of the next one."""
    return abs((moment(following) - moment(file)).total_seconds() - length_s(file)) < 0.3


@pytest.fixture(scope="module")
def recorded(server: MediaServer, camera: Camera, eventually: Callable[..., Any]) -> str:
    """A path with three finished segments and one under way."""
    server.add("rec/one", source=camera.url(1), record=True)
    eventually(lambda: len(files(server, "rec/one")) >= 4)
    return "rec/one"


def test_segments_have_true_times(server: MediaServer, recorded: str, eventually: Callable[..., Any]) -> None:
    first, second, third = files(server, recorded)[:3]
    assert all(NAME.fullmatch(file.name) for file in (first, second, third))
    assert abs(SystemClock().now() - moment(first)) < timedelta(minutes=5)
    for file in (first, second):
        assert packets(file)[0] == (0.0, True)
        length = length_s(file)
        assert 3.0 <= length <= 4.1
        shown = subprocess.run(
            ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(file)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert abs(float(shown.stdout) - length) < 0.05
    eventually(lambda: any(agrees(*pair) for pair in pairwise(files(server, recorded)[:-1])))


def test_segments_decode_without_complaint(server: MediaServer, recorded: str) -> None:
    for file in files(server, recorded)[:2]:
        done = subprocess.run(["ffmpeg", "-v", "error", "-i", str(file), "-f", "null", "-"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_recordings_are_listed_and_deleted(server: MediaServer, recorded: str, eventually: Callable[..., Any]) -> None:
    assert recorded in [item["name"] for item in server.client.get("/recordings/list").json()["items"]]
    listed = server.client.get(f"/recordings/get/{recorded}").json()
    assert listed["name"] == recorded
    first = files(server, recorded)[0]
    assert datetime.fromisoformat(listed["segments"][0]["start"]) == moment(first)
    wanted = {"path": recorded, "start": listed["segments"][0]["start"]}
    assert server.client.delete("/recordings/deletesegment", params=wanted).json() == {"status": "ok"}
    assert not first.exists()
    assert server.client.delete("/recordings/deletesegment", params=wanted).status_code == 400
    assert server.client.delete("/recordings/deletesegment", params={**wanted, "start": "yesterday"}).status_code == 400


def test_recordings_of_a_path_need_its_configuration(server: MediaServer) -> None:
    assert server.client.get("/recordings/get/unknown").status_code == 400
    server.add("rec/none")
    assert server.client.get("/recordings/get/rec/none").json() == {"name": "rec/none", "segments": []}
    server.delete("rec/none")


def test_recording_is_switched_without_disturbing_readers(server: MediaServer, live: str, eventually: Callable[..., Any]) -> None:
    before = server.path(live)["availableTime"]
    server.client.patch(f"/config/paths/patch/{live}", json={"record": True})
    eventually(lambda: files(server, live) and files(server, live)[-1].stat().st_size > 0)
    server.client.patch(f"/config/paths/patch/{live}", json={"record": False})
    assert server.path(live)["availableTime"] == before


def test_a_crash_costs_a_part_at_most(own_server: MediaServer, camera: Camera, eventually: Callable[..., Any]) -> None:
    own_server.add("crash", source=camera.url(1), record=True, recordSegmentDuration="1h")
    eventually(lambda: files(own_server, "crash") and len(packets(files(own_server, "crash")[0])) >= 150)
    came_in = own_server.path("crash")["inboundBytes"]
    own_server.stop(signal.SIGKILL)
    (file,) = files(own_server, "crash")
    kept_s = packets(file)[-1][0]
    # measured in bytes, as a slow camera sends late; the 3 s allow for a part and for what came before the first key picture
    assert kept_s > came_in * kept_s / file.stat().st_size - 3


def test_what_the_disk_refused_is_tried_again_soon(own_server: MediaServer, camera: Camera, eventually: Callable[..., Any]) -> None:
    in_the_way = own_server.recordings / "refused"
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_bytes(b"")
    own_server.add("refused", source=camera.url(1), record=True, recordSegmentDuration="1h")
    eventually(lambda: own_server.path("refused")["inboundBytes"] > 100_000)
    in_the_way.unlink()
    eventually(lambda: files(own_server, "refused") and packets(files(own_server, "refused")[0]))


def test_a_clean_end_keeps_everything(own_server: MediaServer, camera: Camera, eventually: Callable[..., Any]) -> None:
    own_server.add("clean", source=camera.url(1), record=True, recordSegmentDuration="1h")
    eventually(lambda: bool(files(own_server, "clean")))
    assert own_server.stop() == 0
    assert len(packets(files(own_server, "clean")[0])) >= 25


def playback(server: MediaServer, call: str, **query: str) -> httpx.Response:
    return httpx.get(f"{server.playback_url}/{call}", params=query, auth=("operator", "operator-secret"), timeout=PATIENCE_S)


def joined(server: MediaServer, name: str) -> dict[str, Any]:
    """Returns a stretch of more than one segment. A pause of the camera of a second or more begins a new stretch."""
    found: dict[str, Any] = wait_for(lambda: next((one for one in playback(server, "list", path=name).json() if one["duration"] > 6), None))
    return found


def test_playback_lists_one_stretch(server: MediaServer, recorded: str) -> None:
    stretch = joined(server, recorded)
    assert stretch["url"].startswith(f"{server.playback_url}/get?")
    start = datetime.fromisoformat(stretch["start"])
    half = (start + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    clipped = playback(
        server, "list", path=recorded, start=half, end=(start + timedelta(seconds=3)).isoformat().replace("+00:00", "Z")
    ).json()
    assert clipped[0]["duration"] == pytest.approx(2.0, abs=0.01)


def test_playback_joins_segments(server: MediaServer, recorded: str, tmp_path: Path) -> None:
    stretch = joined(server, recorded)
    answer = playback(server, "get", path=recorded, start=stretch["start"], duration="5")
    assert (answer.status_code, answer.headers["content-type"], answer.headers["accept-ranges"]) == (200, "video/mp4", "none")
    film = tmp_path / "film.mp4"
    film.write_bytes(answer.content)
    times = [time for time, _ in packets(film)]
    assert 4.8 <= times[-1] - times[0] <= 6.1
    assert times == sorted(set(times))
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", str(film), "-f", "null", "-"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_playback_refuses(server: MediaServer, recorded: str) -> None:
    assert playback(server, "list", path="unknown").status_code == 400
    assert playback(server, "list", path=recorded, start="yesterday").status_code == 400
    assert playback(server, "get", path=recorded, start="2020-01-01T00:00:00Z").status_code == 400
    assert playback(server, "list", path=recorded, start="2100-01-01T00:00:00Z").status_code == 404
    assert httpx.get(f"{server.playback_url}/list", params={"path": recorded}, timeout=PATIENCE_S).status_code == 401
