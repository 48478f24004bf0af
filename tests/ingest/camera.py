"""Starts an RTSP camera for tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fixtures import needs

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
def camera_process(encoder: str, *credentials: str, rate: str = "15/1") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Yields the URL of a running camera, and its process to stop or kill."""
    if missing := _gstreamer_missing():
        needs.left_out(missing)
    port = free_port()
    script = Path(__file__).with_name("rtsp_camera.py")
    process = subprocess.Popen([GSTREAMER_PYTHON, str(script), str(port), rate, encoder, *credentials], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "READY"
        yield f"rtsp://127.0.0.1:{port}/cam", process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
