"""HLS over HTTP with MediaMTX's sessions: a redirect that tries cookies, a session in the URL, 401 for all who have none."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import posixpath
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gtvision.ids import new_id
from gtvision.time import Clock
from media_standin import web
from media_standin.auth import AccessRefused, http_access, secret_id
from media_standin.hls import Muxer
from media_standin.options import InvalidOption, Options, duration
from media_standin.paths import NoStream, Path, PathManager, Reader, TooManyReaders
from media_standin.views import session_view

log = logging.getLogger("media_standin.hls")

SESSION_IDLE_S = 30.0
CLEANUP_S = 10.0
FIRST_SEGMENT_S = 20.0
"""Longer than any sensible distance between key pictures."""
_NO_CACHE = {"Cache-Control": "private, no-cache"}
_PLAYLIST = "application/vnd.apple.mpegurl"
_COOKIE = "{}={}; HttpOnly; Secure; SameSite=None; Partitioned"


@dataclass(slots=True, eq=False)
class Session:
    """One viewer, bound to the address that opened it."""

    path: Path
    reader: Reader
    secret: UUID
    ip: str
    remote_addr: str
    query: str
    user: str
    user_agent: str
    created: datetime
    seen_at: float
    outbound_bytes: int = 0

    @property
    def path_name(self) -> str:
        return self.path.name


@dataclass(slots=True, eq=False)
class SharedMuxer:
    """A muxer with its viewers."""

    name: str
    muxer: Muxer
    created: datetime
    requested: datetime
    seen_at: float
    outbound_bytes: int = 0
    sessions: dict[UUID, Session] = field(default_factory=dict)


class HlsServer:
    """A muxer is made for its first viewer and closed some time after its last request."""

    def __init__(self, options: Options, paths: PathManager, clock: Clock) -> None:
        if options["hlsVariant"] == "mpegts":
            raise InvalidOption("hlsVariant 'mpegts' is not supported by the stand-in, which serves fmp4")
        self._options = options
        self._trusted: list[str] = options["hlsTrustedProxies"]
        self._close_after_s = max(1.0, duration(options, "hlsMuxerCloseAfter").total_seconds())
        self._paths = paths
        self._clock = clock
        self._hosted: dict[str, SharedMuxer] = {}
        self._cleaner: asyncio.Task[None] | None = None

    def application(self) -> ASGIApp:
        """The ASGI application."""
        return web.application([Route("/{rest:path}", self._serve, methods=["GET", "OPTIONS"])], self._options["hlsAllowOrigins"])

    def start(self) -> None:
        self._cleaner = asyncio.create_task(self._clean_up(), name="hls clean-up")

    async def stop(self) -> None:
        if self._cleaner:
            self._cleaner.cancel()
        for name in list(self._hosted):
            self._close_muxer(name)

    async def _clean_up(self) -> None:
        while True:
            await asyncio.sleep(min(CLEANUP_S, self._close_after_s / 3))
            now = self._clock.monotonic()
            for hosted in list(self._hosted.values()):
                for session in list(hosted.sessions.values()):
                    if now - session.seen_at >= SESSION_IDLE_S:
                        self._close_session(hosted, session)
                if now - hosted.seen_at >= self._close_after_s:
                    self._close_muxer(hosted.name)

    def _close_session(self, hosted: SharedMuxer, session: Session) -> None:
        hosted.sessions.pop(session.secret, None)
        session.path.dismiss(session.reader)

    def _close_muxer(self, name: str) -> None:
        hosted = self._hosted.pop(name, None)
        if hosted is None:
            return
        hosted.muxer.stop()
        for session in list(hosted.sessions.values()):
            self._close_session(hosted, session)
        log.info("[muxer %s] destroyed", name)

    async def _serve(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            headers = {"Access-Control-Allow-Methods": "OPTIONS, GET", "Access-Control-Allow-Headers": "Authorization, Range"}
            return Response(status_code=204, headers=headers)
        path = str(request.path_params["rest"])
        folder, _, file = path.rpartition("/")
        if file == "index.m3u8":
            return await self._index(request, folder)
        if file.endswith((".m3u8", ".mp4", ".ts")):
            return self._child(request, folder, file)
        if path in {"", "favicon.ico"} or path.endswith("/"):  # MediaMTX has a page with a player there
            return Response(status_code=404)
        return _found(f"/{path}/", request.url.query)

    async def _index(self, request: Request, name: str) -> Response:
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        if query.get("cookieCheck") != "1":
            # Cookies that other sites cannot see exist over HTTPS only; the second request shows whether this one came back.
            query["cookieCheck"] = "1"
            answer = _found(request.url.path, _encode(query))
            answer.headers["Set-Cookie"] = _COOKIE.format("cookieCheck", "1")
            return answer
        del query["cookieCheck"]
        try:
            hosted, session = await self._open(request, name, _encode(query))
        except AccessRefused as refusal:
            return web.unauthenticated(ask=refusal.ask)
        except NoStream as error:
            return web.error(404, error)
        except (InvalidOption, TooManyReaders) as error:
            return web.error(500, error)
        headers = dict(_NO_CACHE)
        if request.cookies.get("cookieCheck") == "1":
            headers["Set-Cookie"] = _COOKIE.format("hlsSession", session.secret)
        else:
            query["session"] = str(session.secret)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hosted.muxer.wait_ready(), FIRST_SEGMENT_S)
        if not hosted.muxer.ready:
            return web.error(500, "muxer instance not available")
        return self._send(hosted, session, hosted.muxer.multivariant(_question(query)).encode(), _PLAYLIST, headers)

    async def _open(self, request: Request, name: str, query: str) -> tuple[SharedMuxer, Session]:
        identity = new_id()
        secret = secret_id()
        reader = Reader("hlsSession", identity, lambda: self._drop(name, secret))
        path, stream, user = await self._paths.add_reader(http_access(request, self._trusted, "hls", name, query, identity), reader)
        now = self._clock.now()
        hosted = self._hosted.get(name)
        if hosted is None:
            muxer = Muxer(stream, self._options, lambda: self._close_muxer(name))
            hosted = self._hosted[name] = SharedMuxer(name, muxer, now, now, self._clock.monotonic())
            muxer.start()
            log.info("[muxer %s] is converting into HLS, 1 track (H264)", name)
        session = Session(
            path=path,
            reader=reader,
            secret=secret,
            ip=web.client_ip(request, self._trusted),
            remote_addr=web.remote_addr(request, self._trusted),
            query=query,
            user=user,
            user_agent=request.headers.get("user-agent", ""),
            created=now,
            seen_at=self._clock.monotonic(),
        )
        hosted.sessions[secret] = session
        return hosted, session

    def _drop(self, name: str, secret: UUID) -> None:
        hosted = self._hosted.get(name)
        if hosted and secret in hosted.sessions:
            self._close_session(hosted, hosted.sessions[secret])

    def _child(self, request: Request, name: str, file: str) -> Response:
        hosted = self._hosted.get(name)
        session = self._session(hosted, request) if hosted else None
        if hosted is None or session is None:
            return web.unauthenticated(ask=False)
        session.seen_at = hosted.seen_at = self._clock.monotonic()
        hosted.requested = self._clock.now()
        if file == "video1_stream.m3u8":
            query = dict(parse_qsl(request.url.query, keep_blank_values=True))
            return self._send(hosted, session, hosted.muxer.media(_question(query)).encode(), _PLAYLIST, _NO_CACHE)
        data = hosted.muxer.file(file)
        if data is None:
            return Response(status_code=404, headers=_NO_CACHE)
        return self._send(hosted, session, data, "video/mp4", _NO_CACHE)

    def _session(self, hosted: SharedMuxer, request: Request) -> Session | None:
        text = request.cookies.get("hlsSession") or request.query_params.get("session", "")
        try:
            session = hosted.sessions.get(UUID(text))
        except ValueError:
            return None
        return session if session and session.ip == web.client_ip(request, self._trusted) else None

    def _send(self, hosted: SharedMuxer, session: Session, data: bytes, kind: str, headers: dict[str, str]) -> Response:
        hosted.outbound_bytes += len(data)
        session.outbound_bytes += len(data)
        if session.path.stream:
            session.path.stream.outbound_bytes += len(data)
        return Response(data, media_type=kind, headers=headers)

    def sessions(self) -> list[dict[str, Any]]:
        """Sessions for the control API."""
        sessions = [session for hosted in self._hosted.values() for session in hosted.sessions.values()]
        return [
            {**session_view(session, session.remote_addr, session.user_agent), "isCDN": False, "outboundBytes": session.outbound_bytes}
            for session in sessions
        ]

    def kick(self, identity: UUID) -> bool:
        """False if there is no such session."""
        for hosted in self._hosted.values():
            for session in hosted.sessions.values():
                if session.reader.id == identity:
                    self._close_session(hosted, session)
                    return True
        return False

    def muxers(self) -> list[dict[str, Any]]:
        """Muxers for the control API."""
        return [
            {
                "path": hosted.name,
                "created": web.instant(hosted.created),
                "lastRequest": web.instant(hosted.requested),
                "outboundBytes": hosted.outbound_bytes,
                "outboundFramesDiscarded": 0,
                "bytesSent": hosted.outbound_bytes,
            }
            for hosted in self._hosted.values()
        ]


def _found(path: str, query: str) -> Response:
    """A redirect to an absolute path, without host and without any prefix that a proxy took away."""
    clean = "/" + posixpath.normpath(path).lstrip("/\\") + ("/" if path.endswith("/") else "")
    return Response(status_code=302, headers={"Location": clean + (f"?{query}" if query else "")})


def _encode(query: dict[str, str]) -> str:
    return urlencode(sorted(query.items()))


def _question(query: dict[str, str]) -> str:
    return f"?{_encode(query)}" if query else ""
