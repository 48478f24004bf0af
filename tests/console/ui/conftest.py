"""A page with the console's modules, on one origin with a real media server and an API that a test can change."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, CDPSession, Page, async_playwright, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from tests.contracts.media.conftest import PATIENCE_S, Camera, Hook, MediaServer, command_of
from tests.fixtures import needs

from servers import free_port

CONSOLE = Path(__file__).parents[3] / "console"
PAGE = """<!doctype html><html lang="pt-BR"><meta charset="utf-8"><title>Palco</title><link rel="icon" href="data:,">
<style>figure { position: relative; inline-size: 640px; block-size: 360px; margin: 0 } video, canvas { position: absolute; inset: 0;
inline-size: 100%; block-size: 100%; object-fit: contain }</style><body></body></html>"""
VIEW = """
async ([id, camera]) => {
  const { CameraView } = await import("/ui/view.js");
  const { Session } = await import("/shell/session.js");
  const figure = document.createElement("figure"), video = document.createElement("video"), canvas = document.createElement("canvas");
  video.muted = video.playsInline = video.autoplay = true;
  figure.append(video, canvas);
  document.body.append(figure);
  window.session ??= new Session();
  const view = new CameraView({ video, canvas, session: window.session, cameraId: id });
  Object.assign(window, { view, video, canvas, said: [] });
  view.addEventListener("changed", () => said.push([view.status, view.reason]));
  view.camera(camera);
  view.visible(true);
}
"""
ONLINE = {"state": "online", "since": None, "revision": 1}


class OneUse(Hook):
    """The auth hook: a ticket opens one view, as those of the product do."""

    def __init__(self) -> None:
        super().__init__()
        self.spent: set[str] = set()

    def allows(self, question: dict[str, Any]) -> bool:
        if question["action"] != "read" or question["protocol"] not in {"hls", "webrtc"}:
            return super().allows(question)
        ticket = parse_qs(question["query"]).get("ticket", [""])[0]
        fresh = ticket.startswith("good") and ticket not in self.spent
        self.spent.add(ticket)
        return fresh


@dataclass
class Stage:
    """What the page is told, and what it has asked for."""

    media: MediaServer
    hook: OneUse
    address: str = ""
    streams: dict[str, Any] = field(default_factory=dict)
    """What GET /streams/{id} says of a camera; 403 for one that is not named."""
    ticket_status: int = 201
    whep_status: int = 0
    """The status by which WHEP is refused on the way; 0: it is passed on to the media server."""
    answer: Callable[[str], Awaitable[str]] | None = None
    """Answers WHEP's offers in place of the media server."""
    asked: int = 0
    """How often a ticket was asked for, in vain or not."""
    tickets: list[str] = field(default_factory=list)
    offers: list[str] = field(default_factory=list)
    """The tickets of WHEP's offers."""
    manifests: list[str] = field(default_factory=list)

    def reset(self) -> None:
        self.streams, self.ticket_status, self.whep_status, self.asked = {}, 201, 0, 0
        self.tickets, self.offers, self.manifests, self.answer = [], [], [], None

    async def issue(self, request: Request) -> Response:
        """POST /auth/tickets."""
        self.asked += 1
        if self.ticket_status != 201:
            return JSONResponse({"title": "Refused", "status": self.ticket_status, "code": "refused"}, self.ticket_status)
        self.tickets.append(f"good-{uuid4()}")
        return JSONResponse({"ticket": self.tickets[-1]}, 201)

    async def stream(self, request: Request) -> Response:
        """GET /streams/{id}."""
        found = self.streams.get(request.path_params["id"])
        return JSONResponse(found, 200) if found else JSONResponse({"title": "Forbidden", "code": "missing_scope"}, 403)

    async def forward(self, request: Request) -> Response:
        """Passes a request on to the media server, as the edge does."""
        kind, rest = request.url.path.split("/")[1], request.path_params["rest"]
        ticket = request.query_params.get("ticket", "")
        if kind == "whep" and request.method == "POST":
            self.offers.append(ticket)
            if self.answer is not None:
                return Response(await self.answer((await request.body()).decode()), 201, {"content-type": "application/sdp"})
            if self.whep_status:
                return Response(status_code=self.whep_status)
        elif rest.endswith("/index.m3u8") and "cookieCheck" not in request.query_params:
            self.manifests.append(ticket)
        base = self.media.whep_url if kind == "whep" else self.media.hls_url
        headers = {name: value for name, value in request.headers.items() if name not in {"host", "content-length", "connection"}}
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
            url = f"{base}/{rest}" + (f"?{request.url.query}" if request.url.query else "")
            answer = await client.request(request.method, url, headers=headers, content=await request.body())
        kept = {"content-type", "cache-control", "set-cookie", "location"}
        passed = {name: value for name, value in answer.headers.items() if name in kept}
        if "location" in passed:
            passed["location"] = f"/{kind}{passed['location']}"
        return Response(answer.content, answer.status_code, passed)

    async def page(self, request: Request) -> Response:
        """The empty page."""
        return HTMLResponse(PAGE)

    def app(self) -> Starlette:
        """All of it on one origin."""
        methods = ["GET", "POST", "DELETE", "PATCH", "OPTIONS"]
        return Starlette(
            routes=[
                Route("/stage", self.page),
                Route("/api/v1/auth/tickets", self.issue, methods=["POST"]),
                Route("/api/v1/streams/{id}", self.stream),
                Route("/hls/{rest:path}", self.forward, methods=methods),
                Route("/whep/{rest:path}", self.forward, methods=methods),
                Mount("/", StaticFiles(directory=CONSOLE)),
            ]
        )


@pytest.fixture(scope="package", params=["stand-in", "mediamtx"])
def media_and_hook(request: pytest.FixtureRequest) -> Iterator[tuple[MediaServer, OneUse]]:
    """The media server: the stand-in, and then MediaMTX where it is installed."""
    command = command_of(request.param)
    with tempfile.TemporaryDirectory() as folder:
        hook = OneUse()
        media = MediaServer(request.param, command, Path(folder), hook.url, hlsVariant="fmp4", hlsSegmentDuration="1s")
        media.start()
        yield media, hook
        media.close()
        hook.close()


@pytest.fixture(scope="package")
def camera_url() -> Iterator[str]:
    """The address of a camera that plays."""
    if not needs.gstreamer():
        needs.lacks("GStreamer's RTSP server for the system's Python")
    camera = Camera()
    camera.start()
    yield camera.url()
    camera.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_stage(media_and_hook: tuple[MediaServer, OneUse]) -> AsyncIterator[Stage]:
    stage = Stage(*media_and_hook)
    port = free_port()
    config = uvicorn.Config(stage.app(), host="127.0.0.1", port=port, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.05)
    stage.address = f"http://localhost:{port}"
    yield stage
    server.should_exit = True
    await running


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """The stage, with nothing asked for yet."""
    shared_stage.reset()
    return shared_stage


@pytest.fixture(scope="package")
def live(media_and_hook: tuple[MediaServer, OneUse], camera_url: str) -> UUID:
    """A camera that plays."""
    media, _ = media_and_hook
    camera_id = uuid4()
    media.add(f"cam_{camera_id}", source=camera_url)
    media.wait_available(f"cam_{camera_id}")
    return camera_id


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    chromium = needs.browser()
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--js-flags=--expose-gc"]
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments, timeout=PATIENCE_S * 1_000)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, stage: Stage) -> AsyncIterator[Page]:
    """The empty page of the stage. Fails where a script of it has failed at the end."""
    page = await browser.new_page()
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"{stage.address}/stage")
    yield page
    await page.close()
    assert not complaints


async def watch(page: Page, camera_id: UUID, camera: dict[str, Any] = ONLINE) -> None:
    """Puts a view of the camera on the page: `view`, `video`, `canvas`, `session`, and what was `said`."""
    await page.evaluate(VIEW, [str(camera_id), camera])


async def plays(page: Page, protocol: str) -> None:
    """Waits until the view plays by the protocol."""
    await page.wait_for_function("protocol => view.status === 'playing' && view.protocol === protocol", arg=protocol, polling=50)


async def listeners(page: Page, devtools: CDPSession) -> int:
    """Returns how many event listeners the page holds, without those that are garbage."""
    await devtools.send("HeapProfiler.collectGarbage")
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    return int(next(each["value"] for each in metrics if each["name"] == "JSEventListeners"))
