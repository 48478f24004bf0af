"""RTSP cameras on GStreamer's server: clips pushed frame by frame from memory, faults that really act.

Runs under the system's interpreter; GStreamer has no type stubs there, so its objects are `Any`.
"""

from __future__ import annotations

import importlib
import threading
import time
from pathlib import Path
from typing import Any

from demo_cameras.playhead import Playhead

gi: Any = importlib.import_module("gi")
gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
GLib, Gst, GstRtspServer, _ = (importlib.import_module(f"gi.repository.{name}") for name in ("GLib", "Gst", "GstRtspServer", "GstApp"))
Gst.init(None)

FAULTS = ("none", "refuse", "drop", "freeze", "black", "wrong_password", "no_keyframes", "slow_start")
_SILENT = {"refuse", "freeze"}
_CUTS = {"refuse", "drop", "wrong_password", "slow_start"}
_DELIMITER = b"\x00\x00\x00\x01\x09"
"""An access unit delimiter; the encoder puts one before each frame."""
_IDR = 5
_DROP_EVERY_S = 10.0
_SLOW_START_S = 8.0
_LAUNCH = (
    "( appsrc name=feed is-live=true format=time max-bytes=4000000 leaky-type=downstream "
    'caps="video/x-h264,stream-format=byte-stream,alignment=au,width=1280,height=720,framerate=15/1" '
    "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


class Clip:
    """An H.264 byte stream cut into access units that are handed to GStreamer without copying."""

    def __init__(self, path: Path) -> None:
        parts = path.read_bytes().split(_DELIMITER)[1:]
        units = [_DELIMITER + part for part in parts]
        self.keys = [_has_idr(unit) for unit in units]
        self.units = [GLib.Bytes.new(unit) for unit in units]

    def __len__(self) -> int:
        return len(self.units)


def _has_idr(unit: bytes) -> bool:
    at = unit.find(b"\x00\x00\x01")
    while at >= 0 and at + 3 < len(unit):
        if unit[at + 3] & 0x1F == _IDR:
            return True
        at = unit.find(b"\x00\x00\x01", at + 3)
    return False


class _Feed:
    """One running pipeline: its source, and where its timestamps began."""

    def __init__(self, source: Any, not_before_s: float) -> None:
        self.source = source
        self.not_before_s = not_before_s
        self.base: tuple[int, int] | None = None
        """(running time in ns, tick) of the first frame."""
        self.wait_for_key = True


class Camera:
    """One camera: its clip, its credentials, its fault. Frames come from the pacer's thread, pipelines from GStreamer's."""

    def __init__(self, entry: dict[str, Any], black: Clip, playhead: Playhead) -> None:
        self.name: str = entry["name"]
        self.path = f"/{self.name}"
        self.user: str = entry["user"]
        self.password: str = entry["password"]
        self.fault = "none"
        self.disturbed: list[tuple[float, float | None]] = []
        self.clients: set[Any] = set()
        self._clip, self._black, self._playhead = Clip(Path(entry["clip"])), black, playhead
        self._feeds: list[_Feed] = []
        self._lock = threading.Lock()

    def factory(self) -> Any:
        """A factory whose one pipeline all clients share."""
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(_LAUNCH)
        factory.set_shared(True)
        factory.set_suspend_mode(GstRtspServer.RTSPSuspendMode.NONE)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_role(self.user)
        for right in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role(self.user, right, True)
        factory.set_permissions(permissions)
        factory.connect("media-configure", self._configure)
        return factory

    def _configure(self, _factory: Any, media: Any) -> None:
        delay_s = _SLOW_START_S if self.fault == "slow_start" else 0.0
        feed = _Feed(media.get_element().get_by_name_recurse_up("feed"), time.monotonic() + delay_s)
        with self._lock:
            self._feeds.append(feed)
        media.connect("unprepared", lambda _media: self._forget(feed))

    def _forget(self, feed: _Feed) -> None:
        with self._lock:
            if feed in self._feeds:
                self._feeds.remove(feed)

    def push(self, tick: int) -> None:
        """Send the frame of a tick into the running pipelines."""
        if self.fault in _SILENT:
            return
        index = tick % len(self._clip)
        black = self.fault == "black"
        clip = self._black if black else self._clip
        at = index % len(clip)
        key = clip.keys[at]
        with self._lock:
            feeds = list(self._feeds)
        for feed in feeds:
            self._push_to(feed, clip.units[at], key, tick)

    def _push_to(self, feed: _Feed, unit: Any, key: bool, tick: int) -> None:
        if time.monotonic() < feed.not_before_s or (feed.wait_for_key and not key):
            return
        if key and not feed.wait_for_key and self.fault == "no_keyframes":
            return
        running_ns = feed.source.get_current_running_time()
        if running_ns == Gst.CLOCK_TIME_NONE:
            running_ns = 0  # the pipeline still waits for its first frame
        if feed.base is None:
            feed.base = (running_ns, tick)
        buffer = Gst.Buffer.new_wrapped_bytes(unit)
        buffer.pts = buffer.dts = feed.base[0] + (tick - feed.base[1]) * Gst.SECOND // self._playhead.fps
        buffer.duration = Gst.SECOND // self._playhead.fps
        if not key:
            buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
        feed.source.emit("push-buffer", buffer)
        feed.wait_for_key = False

    def change_fault(self, fault: str) -> None:
        """Begin or end a fault; the picture comes back with the next key frame."""
        now_s = self._playhead.wall_s()
        if self.disturbed and self.disturbed[-1][1] is None:
            self.disturbed[-1] = (self.disturbed[-1][0], now_s)
        if fault != "none":
            self.disturbed = [*self.disturbed[-99:], (now_s, None)]
        with self._lock:
            self.fault = fault
            for feed in self._feeds:
                feed.wait_for_key = fault != "no_keyframes"

    def cut(self) -> None:
        """End every connection that looks at this camera."""
        for client in list(self.clients):
            client.close()


class RtspServer:
    """All cameras behind one RTSP port, each with a user and password of its own (Basic: the binding
    offers one method at a time, and every reader knows this one)."""

    def __init__(self, host: str, port: int, cameras: list[Camera], playhead: Playhead) -> None:
        self.cameras = {camera.name: camera for camera in cameras}
        self.playhead = playhead
        self._server = GstRtspServer.RTSPServer()
        self._server.set_address(host)
        self._server.set_service(str(port))
        # a thread for each client: one that waits for a slow camera must not hold up the others
        self._server.get_thread_pool().set_max_threads(-1)
        self._auth = GstRtspServer.RTSPAuth()
        self._server.set_auth(self._auth)
        self._server.connect("client-connected", self._client_connected)
        for camera in cameras:
            self._allow(camera)
            self._server.get_mount_points().add_factory(camera.path, camera.factory())

    def listen(self) -> bool:
        """Bind the port and begin to send; False when the port is taken."""
        if self._server.attach(None) == 0:
            return False
        threading.Thread(target=self._pace, name="pacer", daemon=True).start()
        GLib.timeout_add_seconds(5, self._tidy)
        GLib.timeout_add(int(_DROP_EVERY_S * 1000), self._drop_again)
        return True

    def set_fault(self, name: str, fault: str) -> None:
        """Change a camera's fault; returns when it acts. Called from the control port's threads."""
        done = threading.Event()

        def act() -> bool:
            self._change(self.cameras[name], fault)
            done.set()
            return False

        GLib.idle_add(act)
        done.wait(5.0)

    def _change(self, camera: Camera, fault: str) -> None:
        before = camera.fault
        if fault == before == "none":
            return  # ending a fault that is not there must not cost a key frame
        mounts = self._server.get_mount_points()
        camera.change_fault(fault)
        if before == "refuse" and fault != "refuse":
            mounts.add_factory(camera.path, camera.factory())
        if before == "wrong_password" and fault != "wrong_password":
            self._allow(camera)
        if fault == "refuse" and before != "refuse":
            mounts.remove_factory(camera.path)
        if fault == "wrong_password" and before != "wrong_password":
            self._auth.remove_basic(self._basic(camera))
        if fault in _CUTS:
            camera.cut()

    @staticmethod
    def _basic(camera: Camera) -> str:
        return str(GstRtspServer.RTSPAuth.make_basic(camera.user, camera.password))

    def _allow(self, camera: Camera) -> None:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", camera.user)
        self._auth.add_basic(self._basic(camera), token)

    def _client_connected(self, _server: Any, client: Any) -> None:
        def remember(reader: Any, context: Any) -> None:
            path = "/" + context.uri.abspath.strip("/").split("/")[0]
            for camera in self.cameras.values():
                if camera.path == path:
                    camera.clients.add(reader)

        def forget(reader: Any) -> None:
            for camera in self.cameras.values():
                camera.clients.discard(reader)

        for signal in ("describe-request", "setup-request"):
            client.connect(signal, remember)
        client.connect("closed", forget)

    def _pace(self) -> None:
        pause = threading.Event()  # never set: a wait that is a sleep
        tick = self.playhead.tick()
        while True:
            for camera in self.cameras.values():
                camera.push(tick)
            tick += 1
            pause.wait(max(0.0, self.playhead.due_monotonic_s(tick) - time.monotonic()))

    def _tidy(self) -> bool:
        self._server.get_session_pool().cleanup()
        return True

    def _drop_again(self) -> bool:
        for camera in self.cameras.values():
            if camera.fault == "drop":
                camera.cut()
        return True


def run_until_signal(signals: tuple[int, ...]) -> None:
    """Run GLib's loop until one of the signals comes."""
    loop = GLib.MainLoop()
    for number in signals:
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    loop.run()
