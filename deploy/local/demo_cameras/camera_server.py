"""The camera server: RTSP and the control port in one process, under the system's interpreter."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from demo_cameras import truth
from demo_cameras.control import serve_control
from demo_cameras.own_reader import OwnReader
from demo_cameras.playhead import Playhead
from demo_cameras.rtsp import FAULTS, Camera, Clip, RtspServer, run_until_signal

_TRUTH_BEFORE_S = 120.0
_TRUTH_LIMIT_S = 6 * 3600.0


class CameraControl:
    """Answers the control port from the running cameras."""

    def __init__(self, roster: dict[str, Any], server: RtspServer, readers: dict[str, OwnReader], waiting: set[str]) -> None:
        self._roster, self._server, self._readers, self._waiting = roster, server, readers, waiting
        self._playhead = server.playhead
        self._clips = {entry["name"]: json.loads(Path(entry["truth"]).read_text()) for entry in roster["cameras"]}

    def ready(self) -> bool:
        """Whether every camera has played once for its own reader."""
        return not self._waiting

    def cameras(self) -> list[dict[str, Any]]:
        """Name, address without credentials, fault and loop of each camera."""
        address = f"rtsp://{self._roster['host']}:{self._roster['rtsp_port']}"
        return [
            {
                "name": entry["name"],
                "title": entry["title"],
                "url": f"{address}/{entry['name']}",
                "fault": self._server.cameras[entry["name"]].fault,
                "loop_s": self._clips[entry["name"]]["loop_s"],
                "readers": max(0, len(self._server.cameras[entry["name"]].clients) - self._readers[entry["name"]].playing),
            }
            for entry in self._roster["cameras"]
        ]

    def truth(self, name: str, since_s: float | None, until_s: float | None) -> dict[str, Any] | None:
        """Passages that came into view since then (two minutes when left out; six hours at most), and what is in view now."""
        camera, clip = self._server.cameras.get(name), self._clips.get(name)
        if camera is None or clip is None:
            return None
        now_s = self._playhead.wall_s()
        until = now_s if until_s is None else min(until_s, now_s + 3600)
        since = max(until - _TRUTH_LIMIT_S, until - _TRUTH_BEFORE_S if since_s is None else since_s)
        return {
            "camera": name,
            "now": truth.iso(now_s),
            "fault": camera.fault,
            "passages": truth.passages(clip, self._playhead, since, until, camera.disturbed),
            "in_view": truth.in_view(clip, self._playhead),
        }

    def set_fault(self, name: str, fault: str) -> bool | None:
        """Begin a fault, or end it with `none`."""
        if name not in self._server.cameras:
            return None
        if fault not in FAULTS:
            return False
        self._server.set_fault(name, fault)
        return True


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(roster_path: str) -> int:
    """Serve the cameras of a roster until SIGTERM or SIGINT."""
    roster = json.loads(Path(roster_path).read_text())
    first = json.loads(Path(roster["cameras"][0]["truth"]).read_text())
    playhead = Playhead.now(first["fps"], first["fps"] * first["loop_s"])
    black = Clip(Path(roster["black"]))
    server = RtspServer(roster["host"], roster["rtsp_port"], [Camera(entry, black, playhead) for entry in roster["cameras"]], playhead)
    waiting = {entry["name"] for entry in roster["cameras"]}
    readers = {entry["name"]: OwnReader(entry, roster["host"], roster["rtsp_port"], waiting.discard) for entry in roster["cameras"]}
    try:
        serve_control(roster["host"], roster["http_port"], CameraControl(roster, server, readers, waiting))
    except OSError as failure:
        _say(f"demo cameras: port {roster['http_port']}: {failure.strerror}")
        return 1
    if not server.listen():
        _say(f"demo cameras: port {roster['rtsp_port']} is taken")
        return 1
    for reader in readers.values():
        reader.start()
    _say(f"demo cameras: {len(roster['cameras'])} on RTSP port {roster['rtsp_port']}")
    run_until_signal((signal.SIGTERM, signal.SIGINT))
    return 0
