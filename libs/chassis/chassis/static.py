"""A small static file server for the console: `python -m chassis.static --folder console --port 8000`.

The page is plain ES modules without a build step: its files are revalidated, and an unchanged one costs a 304. What carries a version or a
hash in its name is kept for ever. nginx (`nginx/nginx.conf.template`) does the same where there is one: one test asks both.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self' wss:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
_FOR_EVER = b"public, max-age=31536000, immutable"
_VERSIONED = re.compile(r"(-\d+\.\d+\.\d+|[.-][0-9a-f]{8,})\.[^/]+$")
_FILE = re.compile(r"\.[^/]+$")
_HIDDEN = re.compile(r"/\.")


class _Hardened:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = message["status"] in {200, 206, 304} and _VERSIONED.search(scope["path"])
                cache = (b"cache-control", _FOR_EVER if kept else b"no-cache")
                message["headers"] = [*message.get("headers", ()), *HEADERS, cache]
            await send(message)

        await self._app(scope, receive, sending)


class _Console(StaticFiles):
    """A file is there or it is not; a place in the console is the page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        asked = scope["path"]
        if _HIDDEN.search(asked):
            raise HTTPException(404)
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or _FILE.search(asked):
                raise
            return await super().get_response("index.html", scope)


async def _live(_request: Request) -> Response:
    return PlainTextResponse("live\n")


def create_static(folder: Path) -> ASGIApp:
    """The files of a folder, its `index.html` for what is no file, and `/health/live`, which the edge does not pass on."""
    files = _Console(directory=folder)
    return _Hardened(Starlette(routes=[Route("/health/live", _live), Mount("/", files)]))


def main(arguments: list[str] | None = None) -> None:
    """Serve a folder until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m chassis.static", description="Serve the console's files.")
    parser.add_argument("--folder", type=Path, required=True, help="folder to serve")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args(arguments)
    uvicorn.run(create_static(given.folder), host=given.host, port=given.port, access_log=False, log_level="warning", server_header=False)


if __name__ == "__main__":
    main()
