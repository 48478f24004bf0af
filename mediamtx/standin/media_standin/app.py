"""Composition root: builds the parts from the configuration, starts them, and stops them in an order that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal

from gtvision.time import Clock, SystemClock
from media_standin import web
from media_standin.api import ControlApi
from media_standin.auth import Authorizer
from media_standin.configuration import Configuration
from media_standin.hls_server import HlsServer
from media_standin.metrics import MetricsServer
from media_standin.options import duration
from media_standin.paths import PathManager, Shared
from media_standin.playback import PlaybackServer
from media_standin.recorder import Disk
from media_standin.rtsp_server import RtspServer
from media_standin.views import Kind
from media_standin.whep import WhepServer

log = logging.getLogger("media_standin")


class StandIn:
    """The media server: its listeners, its paths and its disk."""

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        options = configuration.options
        self._options = options
        self._disk = Disk()
        self._authorizer = Authorizer(options)
        shared = Shared(self._disk, clock, duration(options, "readTimeout").total_seconds())
        self._paths = PathManager(configuration, self._authorizer, shared)
        self._rtsp = RtspServer(self._paths, clock) if options["rtsp"] else None
        self._hls = HlsServer(options, self._paths, clock) if options["hls"] else None
        self._whep = WhepServer(options, self._paths, clock) if options["webrtc"] else None
        self._listeners: list[web.Listener] = []
        kinds: dict[str, Kind] = {}
        if self._rtsp:
            kinds["rtspconns"] = Kind(self._rtsp.conns)
            kinds["rtspsessions"] = Kind(self._rtsp.sessions, self._rtsp.kick)
        if self._hls:
            kinds["hlssessions"] = Kind(self._hls.sessions, self._hls.kick)
            kinds["hlsmuxers"] = Kind(self._hls.muxers)
            self._listeners.append(web.Listener("HLS", self._hls.application(), options["hlsAddress"]))
        if self._whep:
            kinds["webrtcsessions"] = Kind(self._whep.sessions, self._whep.kick)
            self._listeners.append(web.Listener("WebRTC", self._whep.application(), options["webrtcAddress"]))
        if options["api"]:
            api = ControlApi(configuration, self._authorizer, self._paths, kinds, clock)
            self._listeners.append(web.Listener("API", api.application(), options["apiAddress"]))
        if options["metrics"]:
            metrics = MetricsServer(options, self._authorizer, self._paths, kinds)
            self._listeners.append(web.Listener("metrics", metrics.application(), options["metricsAddress"]))
        if options["playback"]:
            playback = PlaybackServer(configuration, self._authorizer)
            self._listeners.append(web.Listener("playback", playback.application(), options["playbackAddress"]))

    async def start(self) -> None:
        """Opens every listener. Raises OSError where a port is taken."""
        log.info("MediaMTX stand-in: for one machine, demos and tests; production runs MediaMTX itself")
        if self._rtsp:
            await self._rtsp.start(*web.address(self._options["rtspAddress"]))
            log.info("[RTSP] listener opened on %s (TCP/RTP)", self._options["rtspAddress"])
        if self._hls:
            self._hls.start()
        for listener in self._listeners:
            await listener.start()
        await self._paths.start()

    async def stop(self) -> None:
        """Viewers first, then sources, then the disk."""
        await asyncio.gather(*(listener.stop() for listener in self._listeners))
        for server in (self._whep, self._hls, self._rtsp):
            if server:
                await server.stop()
        await self._paths.stop()
        await self._authorizer.close()
        await asyncio.to_thread(self._disk.close)


async def serve(configuration: Configuration) -> None:
    """Runs until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stand_in = StandIn(configuration, SystemClock())
    try:
        await stand_in.start()
        await stop.wait()
        log.info("shutting down gracefully")
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await stand_in.stop()
