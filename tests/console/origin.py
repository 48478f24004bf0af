"""One origin for the console's files and the API below it, as behind the edge."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.fixtures import needs

from servers import Nginx, ServerRunner, free_port

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "console"
TEMPLATE = ROOT / "nginx/nginx.conf.template"


@asynccontextmanager
async def one_origin(api: ASGIApp, port: int | None = None, playback: ASGIApp | None = None) -> AsyncIterator[str]:
    """
    Yields the address of the page, with the API below it. `port`: given where the API must know it beforehand; `playback`: what serves
    the recordings of a node.
    """
    needs.program("nginx")
    with tempfile.TemporaryDirectory() as folder:
        nginx = Nginx("console", Path(folder) / "nginx", free_port(), template=TEMPLATE, console=CONSOLE)
        async with ServerRunner(Path(folder)) as runner, httpx.AsyncClient(base_url=nginx.url, trust_env=False, timeout=120) as pages:
            await runner.start([nginx])
            async with _serving(_in_front_of(api, pages, playback), port or free_port()) as address:
                yield address


def _in_front_of(api: ASGIApp, pages: httpx.AsyncClient, playback: ASGIApp | None) -> ASGIApp:
    known: dict[tuple[str, str], httpx.Response] = {}

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path", "").startswith("/api/"):
            await api(scope, receive, send)
            return
        if playback is not None and scope.get("path", "").startswith("/playback/"):
            await playback(scope, receive, send)
            return
        asked = (scope["method"], Request(scope).url.path)
        # The files stay as they are meanwhile, so each is asked for once: a page has more than a hundred.
        answer = known[asked] = known.get(asked) or await pages.request(*asked, headers={"accept-encoding": "identity"})
        await Response(answer.content, answer.status_code, dict(answer.headers))(scope, receive, send)

    return both


@asynccontextmanager
async def _serving(app: ASGIApp, port: int) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_config=None, access_log=False))
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.05)
    yield f"http://localhost:{port}"
    server.should_exit = True
    await running
