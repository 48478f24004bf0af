"""Fixtures: clips that are rendered once and kept in pytest's cache, and one camera server for the session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures import needs

from demo_cameras.clips import clip_path, render
from demo_cameras.scenes import SCENES
from servers import free_port

_READY_WITHIN_S = 600


def _say(name: str, percent: int) -> None:
    sys.stderr.write(f"{name} {percent}\n")


@pytest.fixture(scope="session")
def clips(pytestconfig: pytest.Config) -> Path:
    """The data folder with every rendered clip."""
    needs.program("ffmpeg")
    data = Path(str(pytestconfig.cache.mkdir("demo_clips"))) if pytestconfig.cache else needs.lacks("a cache folder")
    render(data, len(SCENES), _say)
    return data


@pytest.fixture(scope="session")
def truths(clips: Path) -> dict[str, dict[str, Any]]:
    """The ground truth of each camera's clip, by the camera's name."""
    return {scene.name: json.loads(clip_path(clips, scene).with_suffix(".json").read_text()) for scene in SCENES}


@dataclass(frozen=True)
class Running:
    """The camera server under test."""

    process: subprocess.Popen[bytes]
    roster: dict[str, Any]
    data: Path

    def url(self, name: str) -> str:
        return str(next(camera["url"] for camera in self.roster["cameras"] if camera["name"] == name))

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.roster["truth_url"] + path, timeout=60) as answer:
            return json.loads(answer.read())

    def fault(self, name: str, fault: str) -> None:
        status, body = self.post(f"/cameras/{name}/fault", {"fault": fault})
        assert (status, body["fault"]) == (200, fault)

    def post(self, path: str, body: object, content_type: str = "application/json") -> tuple[int, Any]:
        request = urllib.request.Request(
            self.roster["truth_url"] + path, data=json.dumps(body).encode(), headers={"Content-Type": content_type}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read())


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "/health", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def cameras(clips: Path) -> Iterator[Running]:
    """The camera server with all four cameras, which runs until the session ends."""
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); gi.require_version('GstApp', '1.0')"
    if subprocess.run(["/usr/bin/python3", "-c", probe], capture_output=True, check=False).returncode != 0:
        needs.lacks("GStreamer's RTSP server for the system's Python")
    http_port, rtsp_port = free_port(), free_port()
    argv = [
        sys.executable,
        "-m",
        "demo_cameras",
        "serve",
        "--data",
        str(clips),
        "--http-port",
        str(http_port),
        "--rtsp-port",
        str(rtsp_port),
    ]
    with subprocess.Popen(argv, env=dict(os.environ)) as process:
        try:
            deadline = time.monotonic() + _READY_WITHIN_S
            while not _healthy(f"http://127.0.0.1:{http_port}"):
                assert process.poll() is None, "the camera server ended"
                assert time.monotonic() < deadline, "the camera server did not become ready"
                time.sleep(0.2)
            yield Running(process, json.loads((clips / "cameras.json").read_text()), clips)
        finally:
            process.terminate()
            process.wait(120)
