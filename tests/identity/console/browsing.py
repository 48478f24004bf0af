"""The console in a real browser, with a real service on the same origin, as behind the edge."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn
from playwright.async_api import Page, Route, async_playwright, expect
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.fixtures import needs
from tests.identity.running import PASSWORD

from servers import Nginx, ServerRunner, free_port

ROOT = Path(__file__).parents[3]
CONSOLE = ROOT / "console"
TEMPLATE = ROOT / "nginx/nginx.conf.template"


@asynccontextmanager
async def one_origin(api: ASGIApp, port: int | None = None) -> AsyncIterator[str]:
    """Yields the address of the page, with the API below it. `port`: given where the API must know it beforehand."""
    needs.program("nginx")
    with tempfile.TemporaryDirectory() as folder:
        nginx = Nginx("console", Path(folder) / "nginx", free_port(), template=TEMPLATE, console=CONSOLE)
        async with ServerRunner(Path(folder)) as runner, httpx.AsyncClient(base_url=nginx.url, trust_env=False, timeout=120) as pages:
            await runner.start([nginx])
            async with _serving(_in_front_of(api, pages), port or free_port()) as address:
                yield address


def _in_front_of(api: ASGIApp, pages: httpx.AsyncClient) -> ASGIApp:
    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path", "").startswith("/api/"):
            await api(scope, receive, send)
            return
        request = Request(scope)
        answer = await pages.request(request.method, request.url.path, headers={"accept-encoding": "identity"})
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


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Page]:
    """Yields the console's page before a sign-in. Fails where the page has logged an error at the end."""
    chromium = needs.program("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"], timeout=120_000)
        context = await browser.new_context()
        context.set_default_timeout(60_000)
        page = await context.new_page()
        expect.set_options(timeout=60_000)  # five seconds are too few on a busy machine
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
        await without_other_services(page)
        await page.goto(address)
        yield page
        await browser.close()
    assert not complaints


async def without_other_services(page: Page) -> None:
    """Answers requests to services that do not run in these tests."""
    for path in ("cameras", "detections", "alerts"):
        await page.route(f"**/api/v1/{path}*", _empty)


async def _empty(route: Route) -> None:
    await route.fulfill(json={"items": [], "next": None})


async def sign_in(page: Page, email: str, password: str = PASSWORD, code: str | None = None) -> None:
    """Signs in through the login form."""
    await page.fill("input[name=email]", email)
    await page.fill("input[name=password]", password)
    if code is not None:
        await page.fill("#login-code input", code)
    await page.click("#login-form button[type=submit]")
