"""HTTP listeners that look like MediaMTX's: its Server header, its CORS header, its error bodies, its idea of a client's address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtvision.time import isoformat

log = logging.getLogger("media_standin.web")

MAX_BODY_BYTES = 10 * 1024 * 1024


class TooLarge(ValueError):
    """The request's body is too large."""


class Json(JSONResponse):
    """JSON as Go prints it."""

    media_type = "application/json; charset=utf-8"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def ok() -> Response:
    """The answer to a request that succeeded and returns no data."""
    return Json({"status": "ok"})


def error(status: int, reason: object, headers: dict[str, str] | None = None) -> Response:
    """An error in MediaMTX's form."""
    return Json({"status": "error", "error": str(reason)}, status, headers)


def unauthenticated(*, ask: bool) -> Response:
    """401; the header that makes clients send credentials comes only where they sent none."""
    return error(401, "authentication error", {"WWW-Authenticate": 'Basic realm="mediamtx"'} if ask else None)


async def body(request: Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body. Raises TooLarge."""
    parts = bytearray()
    async for chunk in request.stream():
        parts += chunk
        if len(parts) > limit:
            raise TooLarge("body too large")
    return bytes(parts)


def instant(value: datetime | None) -> str | None:
    """RFC 3339, or null."""
    return isoformat(value) if value else None


def address(text: str) -> tuple[str, int]:
    """Host and port of a listener; ":8554" means all interfaces, as in MediaMTX. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if not port.isdigit():
        raise ValueError(f"'{text}' is not an address")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what an empty host means to MediaMTX


def client_ip(request: Request, trusted: Sequence[str]) -> str:
    """The peer's address, or what a trusted proxy says of it: the last address in X-Forwarded-For that is not trusted itself."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "")
    if not forwarded or not _within(peer, trusted):
        return peer
    for candidate in reversed([part.strip() for part in forwarded.split(",")]):
        if not _is_address(candidate):
            break
        peer = candidate
        if not _within(candidate, trusted):
            break
    return peer


def remote_addr(request: Request, trusted: Sequence[str]) -> str:
    """`ip:port` as sessions show it."""
    return f"{client_ip(request, trusted)}:{request.client.port if request.client else 0}"


def _within(text: str, networks: Sequence[str]) -> bool:
    return _is_address(text) and any(ip_address(text) in ip_network(network, strict=False) for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class _Branding:
    """Adds the headers that every answer of MediaMTX has."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = list(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), "")

        async def branded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers(origin)]
            await send(message)

        await self._app(scope, receive, branded)

    def _headers(self, origin: str) -> Iterator[tuple[bytes, bytes]]:
        yield b"server", b"mediamtx"
        if "*" in self._origins:
            yield b"access-control-allow-origin", b"*"
        elif origin in self._origins:
            yield b"access-control-allow-origin", origin.encode("latin-1")
            yield b"access-control-allow-credentials", b"true"


async def _not_found(request: Request, exc: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    return PlainTextResponse("404 page not found", 404)


def application(routes: Sequence[Route], origins: Sequence[str]) -> ASGIApp:
    """An application of some routes; what is not there, and a wrong method too, is a plain 404."""
    app = Starlette(routes=list(routes), exception_handlers={404: _not_found, 405: _not_found, HTTPException: _not_found})
    app.router.redirect_slashes = False
    return _Branding(app, origins)


class _Quiet(uvicorn.Server):
    """Leaves the process's signals to `app`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """One HTTP server on one address."""

    def __init__(self, name: str, app: ASGIApp, listen: str) -> None:
        self._name = name
        self._listen = listen
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False, ws="none", http="httptools")
        config.timeout_graceful_shutdown = 1
        config.timeout_keep_alive = 60
        self._server = _Quiet(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Binds, so that a taken port is an error here, and serves. Raises OSError."""
        host, port = address(self._listen)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        self._task = asyncio.create_task(self._server.serve([listening]), name=self._name)
        while not self._server.started and not self._task.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # uvicorn offers nothing to wait for
        log.info("[%s] listener opened on %s", self._name, self._listen)

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._task:
            await asyncio.gather(self._task, return_exceptions=True)
