"""The media server's configuration: the production file with this stack's addresses and folders, for MediaMTX and the stand-in alike."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

import yaml

from gtv.composition import HOST, Composition
from gtv.edge import in_url

ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


def find_mediamtx(env: Mapping[str, str]) -> str | None:
    """The real server: `MEDIAMTX_BIN` (empty: never), else `mediamtx` on PATH; None means the stand-in."""
    named = env.get("MEDIAMTX_BIN")
    if named is not None:
        return named or None
    return shutil.which("mediamtx", path=env.get("PATH", os.defpath))


def render(production: str, composition: Composition, *, edge_host: str, public_host: str) -> str:
    """The configuration file. Everything listens on loopback, except WebRTC's media, which goes past the edge."""
    ports = composition.ports
    options = yaml.safe_load(production)
    options |= {
        "authHTTPAddress": f"{composition.url('streaming-private')}/internal/media/auth",
        "apiAddress": f"{HOST}:{ports['media-api']}",
        "metricsAddress": f"{HOST}:{ports['media-metrics']}",
        "playbackAddress": f"{HOST}:{ports['media-playback']}",
        "rtspAddress": f"{HOST}:{ports['rtsp']}",
        "hlsAddress": f"{HOST}:{ports['hls']}",
        "hlsTrustedProxies": [HOST],
        "webrtcAddress": f"{HOST}:{ports['webrtc']}",
        "webrtcTrustedProxies": [HOST],
        "webrtcLocalUDPAddress": f"{in_url(edge_host)}:{ports['webrtc-media']}",
        "webrtcAdditionalHosts": sorted({HOST, public_host} - ANYWHERE - {"localhost"}),
    }
    options["pathDefaults"] |= {"recordPath": f"{composition.home.recordings}/%path/%Y-%m-%d_%H-%M-%S-%f"}
    return yaml.safe_dump(options, sort_keys=False)
