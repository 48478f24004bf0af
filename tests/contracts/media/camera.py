"""A real RTSP camera for tests: GStreamer's RTSP server with a clip that is encoded once and looped.

Runs under the system's interpreter, which has the GStreamer bindings:
    /usr/bin/python3 camera.py --port 8554 --mounts 1 --width 640 --height 360 --kbps 1000
H264 baseline, no B-frames, one key picture a second. `--pattern snow` fills the bit rate, `ball` moves. Prints READY.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtspServer  # type: ignore[import-not-found] # noqa: E402, F401 - GstApp brings signals

FPS = 25
CLIP_S = 8


def encode(pattern: str, width: int, height: int, kbps: int) -> list[tuple[bytes, bool]]:
    """Returns the clip as H264 access units in byte-stream format, each with whether it is a key picture."""
    pipeline = Gst.parse_launch(
        f"videotestsrc pattern={pattern} num-buffers={FPS * CLIP_S} ! video/x-raw,width={width},height={height},framerate={FPS}/1 "
        f"! videoconvert ! x264enc tune=zerolatency bitrate={kbps} key-int-max={FPS} bframes=0 speed-preset=ultrafast aud=false "
        "option-string=sliced-threads=0 "
        "! video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au ! appsink name=sink sync=false"
    )
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    units = []
    while True:
        sample = sink.emit("pull-sample")
        if sample is None:
            break
        buffer = sample.get_buffer()
        key = not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
        units.append((buffer.extract_dup(0, buffer.get_size()), key))
    pipeline.set_state(Gst.State.NULL)
    return units


class Camera(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc]
    """One mount of the RTSP server; all its clients share one pipeline."""

    def __init__(self, units: list[tuple[bytes, bool]]) -> None:
        super().__init__()
        self.units = units
        self.set_shared(True)
        self.set_launch(
            "( appsrc name=src is-live=true format=time caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate=25/1 "
            "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 mtu=1400 )"
        )

    def configure(self, media: Any) -> None:
        source = media.get_element().get_by_name_recurse_up("src")
        stopped = threading.Event()
        media.connect("unprepared", lambda _: stopped.set())
        threading.Thread(target=self.feed, args=(source, stopped), daemon=True).start()

    def feed(self, source: Any, stopped: threading.Event) -> None:
        index, started = 0, time.monotonic()
        step = Gst.SECOND // FPS
        while not stopped.is_set():
            data, key = self.units[index % len(self.units)]
            buffer = Gst.Buffer.new_wrapped(data)
            buffer.pts = buffer.dts = index * step
            buffer.duration = step
            if not key:
                buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
            if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                break
            index += 1
            stopped.wait(max(0.0, started + index / FPS - time.monotonic()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mounts", type=int, default=1)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--kbps", type=int, default=1000)
    parser.add_argument("--pattern", default="ball")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--digest", action="store_true")
    arguments = parser.parse_args()
    Gst.init(None)
    units = encode(arguments.pattern, arguments.width, arguments.height, arguments.kbps)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=str(arguments.port))
    for number in range(arguments.mounts):
        factory = Camera(units)
        factory.connect("media-configure", lambda made, media: made.configure(media))
        if arguments.user:
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role("viewer", "media.factory.access", True)
            permissions.add_permission_for_role("viewer", "media.factory.construct", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/cam{number}", factory)
    if arguments.user:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        if arguments.digest:
            auth.set_supported_methods(2)
            auth.add_digest(arguments.user, arguments.password, token)
        else:
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(arguments.user, arguments.password), token)
        server.set_auth(auth)
    if not server.attach(None):
        sys.exit("the port is taken")
    print("READY", flush=True)
    GLib.MainLoop().run()


main()
