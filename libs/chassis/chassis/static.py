"""A small static file server for the console: `python -m chassis.static --folder console --port 8000`.

The page is plain ES modules without a build step, so names carry no hash: everything is revalidated, and an unchanged file costs a 304.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
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
        "connect-src 'self' ws: wss:",
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
    (b"cache-control", b"no-cache"),
)


class _Hardened:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        await self._app(scope, receive, sending)


async def _live(_request: Request) -> Response:
    return PlainTextResponse("live\n")


def create_static(folder: Path) -> ASGIApp:
    """The files of a folder, `index.html` for a directory, and `/health/live`, which the edge does not pass on."""
    files = StaticFiles(directory=folder, html=True)
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
