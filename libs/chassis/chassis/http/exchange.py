"""The one middleware: a plain ASGI callable, since each further layer costs every request."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import Any, NamedTuple
from uuid import UUID

from opentelemetry.trace import Span
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import logs, metrics, origin, tracing
from chassis.http.problems import TOO_LARGE, problem
from gtvision.errors import TooLarge
from gtvision.ids import new_id

log = logs.get_logger("chassis.http")

BODY_GRACE_S = 20.0
BODY_BYTES_PER_S = 4_000
"""The time that a body may take to come: the grace, and a second more for so many bytes of it. Only waiting for the client counts."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DRAIN_BYTES = 64_000_000
_DRAIN_TIMEOUT_S = 10.0
_EXPECTING_TIMEOUT_S = 3.0
"""A client that asked for `100 Continue` and was refused usually sends nothing more."""
_MAX_LOGGED_PATH = 300
_UNMATCHED = "unmatched"
_PERSONAL = ("{plate}", "{token}")
_SHOWN = re.compile(r"(/(?:plates|alerts/links)/).*", re.IGNORECASE | re.DOTALL)
_CLIENT_LEFT = 499
"""In metrics and logs only: the client had closed the connection before its answer."""
_TOO_SLOW = 408


class Observed:
    """Correlation id, trace, metrics, access line, the body's size and time, the last resort for exceptions: one plain ASGI middleware."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, body_grace_s: float = BODY_GRACE_S) -> None:
        self._app = app
        self._limits = _Limits(max_body_bytes, body_grace_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _Exchange(scope, receive, send, self._limits).run(self._app)
        elif scope["type"] == "websocket":
            await _observe_socket(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Limits(NamedTuple):
    """What one body may be."""

    max_bytes: int
    grace_s: float


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: _Limits) -> None:
        self._scope, self._receive, self._send, self._limits = scope, receive, send, limits
        self._status = 0
        self._body_bytes = 0
        self._waited_s = 0.0
        self._more = False  # whether more of the body may come
        self._expects = False
        self._traceparent: str | None = None
        self._id: UUID | None = None

    async def run(self, app: ASGIApp) -> None:
        started = time.perf_counter()
        declared = self._read_head()
        self._id = self._id or new_id()
        self._correlation = str(self._id).encode()
        metrics.HTTP_IN_FLIGHT.inc()
        try:
            with logs.correlated(self._id), origin.arriving(self._scope):
                if declared > self._limits.max_bytes:
                    await self._refuse_size()
                elif tracing.sampled(self._traceparent):
                    await self._traced(app)
                else:
                    await self._guarded(app)
                self._record(time.perf_counter() - started)
        finally:
            metrics.HTTP_IN_FLIGHT.dec()

    def _read_head(self) -> int:
        """Looks at each header once. Returns the declared length of the body."""
        declared = 0
        for name, value in self._scope["headers"]:
            if name == b"content-length":
                declared = int(value) if value.isdigit() else 0
                self._more = declared > 0
            elif name == b"transfer-encoding":
                self._more = True
            elif name == b"x-correlation-id":
                self._id = _uuid(value)
            elif name == b"expect":
                self._expects = True
            elif name == b"traceparent":
                self._traceparent = value.decode("latin-1")
        return declared

    async def _traced(self, app: ASGIApp) -> None:
        with tracing.server_span(self._scope["method"], self._traceparent, decided=True) as span:
            await self._guarded(app)
            if span is not None:
                self._describe(span)

    def _describe(self, span: Span) -> None:
        template = route_template(self._scope)
        span.update_name(f"{self._scope['method']} {template}")
        span.set_attributes(
            {
                "http.request.method": self._scope["method"],
                "http.route": template,
                "http.response.status_code": self._status,
                "correlation_id": str(self._id),
            }
        )

    async def _guarded(self, app: ASGIApp) -> None:
        """Logs an exception once, and tells the client nothing of it."""
        try:
            await app(self._scope, self._read, self._write)
        except ClientDisconnect:
            self._status = self._status or _CLIENT_LEFT
        except Exception:
            log.exception("unhandled", method=self._scope["method"], route=route_template(self._scope))
            if self._status == 0:
                response = problem(500, "internal", "Something went wrong on our side; the correlation id names it in our logs.")
                await response(self._scope, self._read, self._write)
            else:
                raise  # the answer has begun: only a broken connection can still tell the client

    async def _refuse_size(self) -> None:
        response = problem(413, TooLarge.code, TOO_LARGE)
        await response(self._scope, self._receive, self._write)

    async def _read(self) -> Message:
        """Raises HTTPException, the one thing that every body parser lets through."""
        message = await self._awaited() if self._more else await self._receive()
        if message["type"] == "http.request":
            self._body_bytes += len(message.get("body", b""))
            self._more = message.get("more_body", False)
            if self._body_bytes > self._limits.max_bytes:
                raise HTTPException(413)  # a chunked body has no declared length
        return message

    async def _awaited(self) -> Message:
        """Waits for the next piece of the body. Raises: HTTPException (408)."""
        began = time.monotonic()
        allowed_s = self._limits.grace_s + self._body_bytes / BODY_BYTES_PER_S - self._waited_s
        try:
            async with asyncio.timeout(allowed_s):
                return await self._receive()
        except TimeoutError:
            raise HTTPException(_TOO_SLOW) from None
        finally:
            self._waited_s += time.monotonic() - began

    async def _write(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = message["headers"] = list(message.get("headers", ()))
            headers.append((b"x-correlation-id", self._correlation))
            if self._more:  # what is left of the body would be taken for the next request, or never end
                headers.append((b"connection", b"close"))
        elif self._more and self._status != _TOO_SLOW and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _drain(self) -> None:
        """A client that reads no answer while it sends loses it when the connection breaks: so the answer is sent at once, and what still
        comes of the body is thrown away before the connection ends, in bounds of time and size.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_EXPECTING_TIMEOUT_S if self._expects else _DRAIN_TIMEOUT_S):
                while self._more and self._body_bytes < _DRAIN_BYTES:
                    message = await self._receive()
                    self._body_bytes += len(message.get("body", b""))
                    self._more = message["type"] == "http.request" and message.get("more_body", False)

    def _record(self, elapsed: float) -> None:
        scope = self._scope
        template = route_template(scope)
        _observe(scope["method"], template, self._status, elapsed)
        logs.access.line(
            "request",
            {
                "method": scope["method"],
                "path": _loggable(scope["path"], template),
                "route": template,
                "status": self._status,
                "duration_ms": round(elapsed * 1_000, 2),
            },
        )


async def _observe_socket(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    started = time.perf_counter()
    given = next((_uuid(value) for name, value in scope["headers"] if name == b"x-correlation-id"), None)
    metrics.SOCKETS_OPEN.inc()
    with logs.correlated(given), origin.arriving(scope):
        try:
            await app(scope, receive, send)
        except Exception:
            log.exception("unhandled", route=route_template(scope))
            raise
        finally:
            metrics.SOCKETS_OPEN.dec()
            elapsed_ms = round((time.perf_counter() - started) * 1_000, 2)
            log.info("socket", path=_loggable(scope["path"], route_template(scope)), duration_ms=elapsed_ms)


def _loggable(path: str, template: str) -> str:
    """Returns the path without a plate or the token of a link, also where it fits no route; `haproxy.cfg.j2` cuts alike. Which plate a
    person looked for belongs into the ledger, not into the logs; a token is a secret."""
    if template == _UNMATCHED or any(name in template for name in _PERSONAL):
        path = _SHOWN.sub(r"\1-", path)
    return path[:_MAX_LOGGED_PATH]


def route_template(scope: Scope) -> str:
    """Returns the route's path with the names of its parameters: a metric's label, which must be bounded."""
    own = scope.get("fastapi")
    context = own.get("effective_route_context") if own else None
    route = context or scope.get("route")
    found = getattr(route, "path_format", None) or getattr(route, "path", None)
    return found if isinstance(found, str) else _UNMATCHED


_series: dict[tuple[str, str, int], Any] = {}


def _observe(method: str, template: str, status: int, elapsed: float) -> None:
    key = (method, template, status)
    series = _series.get(key)
    if series is None:
        series = _series[key] = metrics.HTTP_SECONDS.labels(method if method in _METHODS else "OTHER", template, str(status))
    series.observe(elapsed)


def _uuid(value: bytes) -> UUID | None:
    if len(value) != 36:
        return None
    try:
        return UUID(value.decode("ascii"))
    except ValueError:
        return None
