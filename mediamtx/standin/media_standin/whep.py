"""WHEP: viewers come by one POST and are known by the secret in their Location (draft-ietf-wish-whep)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gtvision.time import Clock
from media_standin import web
from media_standin.auth import AccessRefused, AccessRequest, http_access
from media_standin.options import InvalidOption, Options, duration
from media_standin.paths import NoStream, PathManager, Reader, TooManyReaders
from media_standin.views import rtp_counters, session_view
from media_standin.webrtc import Viewer, offer_loopback

log = logging.getLogger("media_standin.whep")

MAX_SDP_BYTES = 64 * 1024
_ALLOWED = {
    "Access-Control-Allow-Methods": "OPTIONS, GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
}
_FRAGMENT = "application/trickle-ice-sdpfrag"


class WhepServer:
    """Serves WebRTC viewers."""

    def __init__(self, options: Options, paths: PathManager, clock: Clock) -> None:
        self._options = options
        self._trusted: list[str] = options["webrtcTrustedProxies"]
        self._handshake_s = duration(options, "webrtcHandshakeTimeout").total_seconds()
        self._paths = paths
        self._clock = clock
        self._viewers: dict[UUID, Viewer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        offer_loopback()
        log.info("WebRTC media uses a free UDP port for each viewer; webrtcLocalUDPAddress has no effect in the stand-in")

    def application(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/{name:path}/whep", self._endpoint, methods=["OPTIONS", "POST", "GET", "HEAD", "PUT"]),
            Route("/{name:path}/whep/{secret}", self._session, methods=["OPTIONS", "PATCH", "DELETE"]),
        ]
        return web.application(routes, self._options["webrtcAllowOrigins"])

    async def stop(self) -> None:
        await asyncio.gather(*(viewer.close() for viewer in self._viewers.values()), return_exceptions=True)
        for task in self._tasks:
            task.cancel()

    async def _endpoint(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return await self._options_answer(request)
        if request.method == "POST":
            return await self._post(request)
        return web.error(405, "method not allowed")

    async def _options_answer(self, request: Request) -> Response:
        if "access-control-request-method" in request.headers:
            return Response(status_code=204, headers=_ALLOWED)
        try:
            await self._paths.authorize(self._access(request, None))
        except AccessRefused as refusal:
            return web.unauthenticated(ask=refusal.ask)
        except InvalidOption as error:
            return web.error(500, error)
        headers = {**_ALLOWED, "Access-Control-Expose-Headers": "Accept-Post, Link", "Accept-Post": "application/sdp"}
        return Response(status_code=204, headers=headers)

    async def _post(self, request: Request) -> Response:
        if _content_type(request) != "application/sdp":
            return web.error(400, "invalid Content-Type")
        name = str(request.path_params["name"])
        try:
            offer = (await web.body(request, MAX_SDP_BYTES)).decode("utf-8", "replace")
            viewer, answer = await self._open(request, name, offer)
        except AccessRefused as refusal:
            return web.unauthenticated(ask=refusal.ask)
        except NoStream as error:
            return web.error(404, error)
        except (InvalidOption, TooManyReaders, ValueError) as error:
            return web.error(400, error)
        query = f"?{request.url.query}" if request.url.query else ""
        headers = {
            "Access-Control-Expose-Headers": "ETag, ID, Accept-Patch, Link, Location",
            "ETag": "*",
            "ID": str(viewer.id),
            "Accept-Patch": _FRAGMENT,
            "Location": f"/{name}/whep/{viewer.secret}{query}",
        }
        return Response(answer, 201, headers, "application/sdp")

    async def _open(self, request: Request, name: str, offer: str) -> tuple[Viewer, str]:
        now = self._clock.now()
        viewer = Viewer(name, web.remote_addr(request, self._trusted), request.url.query, request.headers.get("user-agent", ""), now)
        viewer.reader = Reader("webRTCSession", viewer.id, viewer.ended.set)
        path, stream, viewer.user = await self._paths.add_reader(self._access(request, viewer.id), viewer.reader)
        viewer.path = path
        try:
            answer = await viewer.answer(offer, stream)
        except Exception as error:
            await viewer.close()
            if isinstance(error, ValueError):
                raise
            # aiortc raises exceptions of many types for a damaged description.
            raise ValueError(f"invalid offer: {error or type(error).__name__}") from error
        self._viewers[viewer.secret] = viewer
        task = asyncio.create_task(self._watch(viewer), name=f"webrtc {viewer.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return viewer, answer

    async def _watch(self, viewer: Viewer) -> None:
        """Closes the viewer when the connection or the stream ends, or when no connection comes about in time."""
        try:
            async with asyncio.timeout(self._handshake_s):
                await viewer.ended.wait()
        except TimeoutError:
            if viewer.established:
                await viewer.ended.wait()
        self._viewers.pop(viewer.secret, None)
        await viewer.close()

    async def _session(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_ALLOWED)
        try:
            secret = UUID(str(request.path_params["secret"]))
        except ValueError:
            return web.error(400, "invalid secret")
        if request.method == "DELETE":
            viewer = self._viewers.get(secret)
            if viewer is None:
                return web.error(404, "session not found")
            viewer.ended.set()
            return web.ok()
        return await self._patch(request, secret)

    async def _patch(self, request: Request, secret: UUID) -> Response:
        if _content_type(request) != _FRAGMENT:
            return web.error(400, "invalid Content-Type")
        fragment = (await web.body(request, MAX_SDP_BYTES)).decode("utf-8", "replace")
        viewer = self._viewers.get(secret)
        if viewer is None:
            return web.error(404, "session not found")
        try:
            await viewer.add_candidates(fragment)
        except (ValueError, AssertionError) as error:
            return web.error(400, error)
        return Response(status_code=204)

    def _access(self, request: Request, identity: UUID | None) -> AccessRequest:
        return http_access(request, self._trusted, "webrtc", str(request.path_params["name"]), request.url.query, identity)

    def sessions(self) -> list[dict[str, Any]]:
        """Sessions for the control API."""
        return [_view(viewer) for viewer in self._viewers.values()]

    def kick(self, identity: UUID) -> bool:
        """False if there is no such session."""
        for viewer in self._viewers.values():
            if viewer.id == identity:
                viewer.ended.set()
                return True
        return False


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip()


def _view(viewer: Viewer) -> dict[str, Any]:
    local, remote = viewer.candidates() if viewer.established else ("", "")
    track = viewer.track
    return {
        **session_view(viewer, viewer.remote_addr, viewer.user_agent),
        "peerConnectionEstablished": viewer.established,
        "localCandidate": local,
        "remoteCandidate": remote,
        "state": "read",
        **rtp_counters(track.outbound_bytes if track else 0, track.units_sent if track else 0),
        "outboundFramesDiscarded": track.frames_discarded if track else 0,
    }
