"""Tests that cameras are pulled and reconnected without end, and that RTSP readers get what a camera sends."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import av
import pytest
from tests.contracts.media.conftest import PATIENCE_S, Camera, MediaServer

pytestmark = pytest.mark.media

GSTREAMER = """
import sys, gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
pipeline = Gst.parse_launch(sys.argv[1])
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(200 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
sys.exit(0 if message and message.type == Gst.MessageType.EOS else 1)
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def test_a_camera_becomes_available_and_progresses(server: MediaServer, live: str, eventually: Callable[..., Any]) -> None:
    path = server.path(live)
    assert (path["ready"], path["online"], path["tracks"]) == (True, True, ["H264"])
    assert path["tracks2"][0]["codec"] == "H264"
    assert (path["tracks2"][0]["codecProps"]["width"], path["tracks2"][0]["codecProps"]["height"]) == (640, 360)
    assert path["readyTime"] == path["availableTime"]
    assert path["bytesReceived"] == path["inboundBytes"]
    before = path["inboundBytes"]
    eventually(lambda: server.path(live)["inboundBytes"] > before)


def test_ffprobe_reads(server: MediaServer, live: str) -> None:
    done = run(
        "ffprobe",
        "-v",
        "error",
        "-rtsp_transport",
        "tcp",
        "-show_entries",
        "stream=codec_name,width,height",
        "-of",
        "csv=p=0",
        server.rtsp(live),
    )
    assert done.stdout.strip() == "h264,640,360", done.stderr


def test_ffmpeg_falls_back_to_tcp_by_itself(server: MediaServer, live: str) -> None:
    done = run("ffmpeg", "-v", "error", "-i", server.rtsp(live), "-frames:v", "10", "-c", "copy", "-f", "null", "-")
    assert done.returncode == 0, done.stderr


def test_pyav_decodes_from_the_first_key_picture(server: MediaServer, live: str) -> None:
    with av.open(server.rtsp(live), options={"rtsp_transport": "tcp"}, timeout=PATIENCE_S) as container:
        frames = [frame for _, frame in zip(range(30), container.decode(video=0), strict=False)]
    assert len(frames) == 30
    assert all(later.pts > earlier.pts for earlier, later in pairwise(frames))


def test_gstreamer_reads(server: MediaServer, live: str) -> None:
    pipeline = f"rtspsrc location={server.rtsp(live)} protocols=tcp ! rtph264depay ! h264parse ! fakesink num-buffers=50"
    done = run("/usr/bin/python3", "-c", GSTREAMER, pipeline)
    assert done.returncode == 0, done.stderr


def test_readers_are_listed_and_can_be_kicked(server: MediaServer, live: str, eventually: Callable[..., Any]) -> None:
    with subprocess.Popen(
        ["ffmpeg", "-v", "quiet", "-rtsp_transport", "tcp", "-i", server.rtsp(live), "-c", "copy", "-f", "null", "-"],
    ) as process:
        session = eventually(
            lambda: next((s for s in server.client.get("/rtspsessions/list").json()["items"] if s["state"] == "read"), None)
        )
        assert (session["path"], session["user"], session["transport"]) == (live, "reader", "TCP")
        assert server.client.get(f"/rtspsessions/get/{session['id']}").json()["id"] == session["id"]
        assert {"type": "rtspSession", "id": session["id"]} in server.path(live)["readers"]
        connections = server.client.get("/rtspconns/list").json()["items"]
        assert session["id"] in [connection["session"] for connection in connections]
        eventually(lambda: server.client.get(f"/rtspsessions/get/{session['id']}").json()["outboundBytes"] > 10_000)
        assert server.client.post(f"/rtspsessions/kick/{session['id']}").status_code == 200
        process.wait(PATIENCE_S)
    eventually(lambda: not [one for one in server.path(live)["readers"] if one["id"] == session["id"]])


def test_reading_needs_credentials_and_a_stream(server: MediaServer, live: str) -> None:
    assert "401" in run("ffprobe", "-v", "error", "-rtsp_transport", "tcp", server.rtsp(live, login=None)).stderr
    assert "401" in run("ffprobe", "-v", "error", "-rtsp_transport", "tcp", server.rtsp(live, login=("reader", "wrong"))).stderr
    server.add("nothing")
    assert "404" in run("ffprobe", "-v", "error", "-rtsp_transport", "tcp", server.rtsp("nothing")).stderr
    server.delete("nothing")


def test_a_frozen_camera_is_given_up_and_comes_back(
    server: MediaServer, make_camera: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    camera = make_camera()
    server.add("frozen", source=camera.url())
    server.wait_available("frozen")
    eventually(lambda: server.path("frozen")["inboundBytes"] > 0)
    camera.freeze()
    path = server.wait_available("frozen", available=False)
    assert (path["inboundBytes"], path["tracks"]) == (0, [])
    camera.thaw()
    server.wait_available("frozen")
    server.delete("frozen")


def test_a_camera_that_went_away_is_tried_again(server: MediaServer, make_camera: Callable[..., Any]) -> None:
    camera = make_camera()
    server.add("gone", source=camera.url())
    server.wait_available("gone")
    camera.stop()
    server.wait_available("gone", available=False)
    camera.start()
    server.wait_available("gone")
    server.delete("gone")


@pytest.mark.parametrize("method", [(), ("--digest",)])
def test_a_camera_wants_its_password(server: MediaServer, make_camera: Callable[..., Any], method: tuple[str, ...]) -> None:
    camera = make_camera("--user", "admin", "--password", "p@ss", *method)
    server.add("guarded", source=camera.url(login="admin:p%40ss@"))
    server.add("wrong", source=camera.url(login="admin:wrong@"))
    server.wait_available("guarded")
    assert server.path("wrong")["available"] is False
    server.delete("guarded")
    server.delete("wrong")


def test_a_source_that_waits_for_readers(server: MediaServer, camera: Camera) -> None:
    server.add("lazy", source=camera.url(1), sourceOnDemand=True, sourceOnDemandStartTimeout="120s", sourceOnDemandCloseAfter="1s")
    assert server.path("lazy")["available"] is False
    done = run(
        "ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries", "stream=codec_name", "-of", "csv=p=0", server.rtsp("lazy")
    )
    assert done.stdout.strip() == "h264", done.stderr
    server.wait_available("lazy", available=False)
    server.delete("lazy")


def test_another_source_takes_effect(server: MediaServer, camera: Camera) -> None:
    server.add("moved", source="rtsp://127.0.0.1:1/cam")
    assert server.path("moved")["available"] is False
    server.client.patch("/config/paths/patch/moved", json={"source": camera.url(1)})
    server.wait_available("moved")
    server.delete("moved")
