"""What stands in for the services and the live link that do not run in a test of the console.

The answers of a service are given as its own models (`CameraOut(...)`), so that they cannot differ from what it really says.
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import BrowserContext, Route, WebSocketRoute
from pydantic_core import to_jsonable_python

from gtv.routes import below, load_routes
from streaming.forecast.api import ForecastOut
from streaming.usage.api import UsageOut

from tests.console.origin import ROOT  # isort: skip

API = "/api/v1"
NO_RECORDINGS = UsageOut(
    as_of=None,
    bytes_used=0,
    bytes_per_day=None,
    oldest=None,
    newest=None,
    disk=None,
    days_left=None,
    cameras_recording=0,
    cameras_not_recording_total=0,
    cameras_not_recording=[],
)
NO_FORECAST = ForecastOut(as_of=None, disk=None, quota_bytes=None, held_bytes=0, full_of_held=False, days_left=None, cameras=[])
PING_S = 1.0


@dataclass(frozen=True)
class Asked:
    """A request that the page sent. `path` is without `/api/v1`."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any

    def value(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]


@dataclass(frozen=True)
class Reply:
    """An answer other than 200 with JSON. `body` may be bytes, with their type in `headers`."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Asked], Any]


def problem(status: int, code: str, **more: Any) -> Reply:
    """Returns an error as every service says it."""
    body = {"type": f"urn:gtvision:problem:{code}", "title": "Problem", "status": status, "code": code, "detail": "No.", **more}
    return Reply(status, body, {"content-type": "application/problem+json"})


def paged(items: Sequence[Any]) -> Answer:
    """Returns what answers with these items page by page, as the request's `limit` and `cursor` ask."""

    def answer(asked: Asked) -> dict[str, Any]:
        start, size = int(asked.value("cursor", "0")), int(asked.value("limit", "100"))
        end = start + size
        return {"items": list(items[start:end]), "next": str(end) if end < len(items) else None}

    return answer


class Services:
    """Answers requests to every service but identity: an empty list, until a test says what else."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: list[tuple[str, str, Any]] = []
        routes = load_routes(ROOT / "deploy/routes.yml")
        self._prefixes = [prefix for name in routes.services if name != "identity" for prefix in routes.prefixes_of(name)]
        self.answer("GET", "/alerts/summary", {"open": {"critical": 0, "warning": 0, "info": 0, "total": 0}})
        self.answer("GET", "/alerts/changes", {"items": [], "last": 0})
        for path in ("policies", "groups", "on-call"):
            self.answer("GET", f"/escalation/{path}", {"items": [], "next": None})
        self.answer("GET", "/channels/kinds", {"items": []})
        self.answer("GET", "/maintenance/holidays", {"dates": []})
        self.answer("GET", "/recordings/usage", NO_RECORDINGS)
        self.answer("GET", "/recordings/forecast", NO_FORECAST)
        self.answer("GET", "/recordings/archive/restores", {"items": [], "next": None})
        self.answer("GET", "/analytics/plates", {"items": [], "total": 0})

    def answer(self, method: str, path: str, body: Any) -> None:
        """`path`: without `/api/v1` and query, `*` for any part. `body`: a value, a model, a `Reply`, or what makes it of an `Asked`."""
        self._answers.insert(0, (method, path, body))

    def to(self, method: str, path: str) -> list[Asked]:
        """Returns the requests that came to this path (`*` for any part)."""
        return [each for each in self.asked if each.method == method and fnmatch.fnmatchcase(each.path, path)]

    async def serve(self, context: BrowserContext) -> None:
        await context.route(f"**{API}/**", self._answer)

    async def _answer(self, route: Route) -> None:
        request = route.request
        url = urlsplit(request.url)
        if not any(below(url.path, prefix) for prefix in self._prefixes):
            await route.fallback()
            return
        body = request.post_data
        with contextlib.suppress(ValueError):
            body = json.loads(body) if body else None
        asked = Asked(request.method, url.path.removeprefix(API), parse_qs(url.query), request.headers, body)
        self.asked.append(asked)
        found = self._found(asked)
        reply = found if isinstance(found, Reply) else Reply(body=found)
        if reply.body is None or isinstance(reply.body, bytes):
            await route.fulfill(status=204 if reply.body is None else reply.status, body=reply.body or b"", headers=reply.headers)
            return
        headers = {"content-type": "application/json", **reply.headers}
        await route.fulfill(status=reply.status, body=json.dumps(to_jsonable_python(reply.body)), headers=headers)

    def _found(self, asked: Asked) -> Any:
        for method, path, body in self._answers:
            if method == asked.method and fnmatch.fnmatchcase(asked.path, path):
                return body(asked) if callable(body) else body
        is_list = asked.method == "GET" and asked.path.count("/") == 1
        return {"items": [], "next": None} if is_list else problem(404, "not_found")


class LiveLink:
    """The server's end of the page's live sockets. It pings while `is_pinging`: without, the link is half open."""

    def __init__(self) -> None:
        self.is_pinging = True
        self.is_answering = True
        """Whether a new socket gets `subscribed`."""
        self.opened = 0
        self.heard: list[dict[str, Any]] = []
        self._sockets: list[WebSocketRoute] = []
        self._waiting = asyncio.Condition()

    def say(self, kind: str, data: Any) -> None:
        """`kind`: "alert", "detection", "camera" or "system"."""
        self._send({"type": kind, "topic": kind if kind == "system" else f"{kind}s", "data": to_jsonable_python(data)})

    async def cut(self, code: int = 1012, reason: str = "") -> None:
        """Closes all sockets, as a server does that restarts (1012) or refuses the session (4401)."""
        sockets, self._sockets = self._sockets, []
        for socket in sockets:
            await socket.close(code=code, reason=reason)

    async def subscribed(self, count: int = 1) -> None:
        """Waits until so many sockets have been subscribed since the beginning."""
        async with asyncio.timeout(60), self._waiting:
            await self._waiting.wait_for(lambda: self.opened >= count)

    async def serve(self, context: BrowserContext) -> None:
        await context.route_web_socket("**/ws/v1/live**", self._open)

    @asynccontextmanager
    async def pinging(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._ping())
        yield
        task.cancel()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            if self.is_pinging:
                self._send({"type": "ping"})

    def _send(self, message: dict[str, Any]) -> None:
        for socket in self._sockets:
            socket.send(json.dumps(message))

    async def _open(self, socket: WebSocketRoute) -> None:
        async def hear(text: str | bytes) -> None:
            message = json.loads(text)
            self.heard.append(message)
            if message["type"] == "subscribe" and self.is_answering:
                self._sockets.append(socket)
                socket.send(json.dumps({"type": "subscribed", "topics": message["topics"]}))
                async with self._waiting:
                    self.opened += 1
                    self._waiting.notify_all()

        async def closed(_code: int | None, _reason: str | None) -> None:
            if socket in self._sockets:
                self._sockets.remove(socket)

        socket.on_message(hear)
        socket.on_close(closed)
