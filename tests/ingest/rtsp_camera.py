"""An RTSP camera for tests, for the system's Python with GStreamer: rtsp_camera.py PORT RATE ENCODER [USER PASSWORD]. Prints READY."""

import sys

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

Gst.init(None)
port, rate, encoder, *credentials = sys.argv[1:]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(True)
factory.set_launch(
    f"( videotestsrc is-live=true pattern=ball motion=sweep ! video/x-raw,width=640,height=360,framerate={rate} "
    f"! {encoder} ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )"
)
if credentials:
    user, password = credentials
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "reader")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("reader", "media.factory.access", True)
    permissions.add_permission_for_role("reader", "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
print("READY", flush=True)
GLib.MainLoop().run()
