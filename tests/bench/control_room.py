"""What the console's measurements share: a stack of its own with sixteen cameras, and Chromium as a control room has it.

The stack starts with the first measurement and ends with the process. Its cameras are the four demo cameras, registered four times each
under other names: a camera's copies are neither recorded nor analysed, so that they cost what showing them costs.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import contextlib
import hashlib
import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from pydantic import SecretStr
from tests.bench.runner import NotTaken
from tests.e2e.partner import secrets
from tests.e2e.stack import Person, Stack, environment, quiet_port, until
from tests.fixtures import needs

from chassis.bus.publisher import EventPublisher, Publisher
from chassis.settings import RabbitSettings
from gtvision.camera import ObjectClass
from gtvision.detection import DetectedObject, PlateCandidate
from gtvision.events import DetectionMade, DetectionsStored, EventData, StoredDetection
from gtvision.geometry import Box
from gtvision.ids import new_id
from gtvision.time import SystemClock

ROOT = Path(__file__).parents[2]
CLIPS = ROOT / "build/bench-cameras"
"""The rendered clips are kept: rendering them takes minutes."""
FOLDER = Path("/var/tmp/gtvision-bench")
COPIES = 4
SIZE = {"width": 1920, "height": 1080}
PATIENCE_MS = 120_000
WATCHLIST = "Bancada"
PICTURES = "[...document.querySelectorAll('.tile video')].map((video) => video.getVideoPlaybackQuality().totalVideoFrames)"
"""JavaScript: how many pictures each tile has shown so far."""
CLOCK = SystemClock()


@dataclass
class ControlRoom:
    """A running stack with its cameras, and the ways into it."""

    stack: Stack
    cameras: list[dict[str, Any]] = field(default_factory=list)
    watchlist: str = ""
    plates: list[str] = field(default_factory=list)
    """Plates on the watchlist, for alerts that are yet to be raised."""

    @property
    def address(self) -> str:
        return self.stack.address

    @contextlib.asynccontextmanager
    async def person(self) -> AsyncIterator[Person]:
        """Yields the administrator, signed in at the API."""
        person = Person(self.stack)
        await person.log_in()
        try:
            yield person
        finally:
            await person.http.aclose()

    async def watch(self, person: Person, count: int) -> None:
        """Puts plates on a critical watchlist that nobody has seen so far."""
        if not self.watchlist:
            self.watchlist = (await person.post("/watchlists", {"name": f"{WATCHLIST} {new_id()}", "severity": "critical"}))["watchlist_id"]
        for _ in range(count):
            plate = _plate(new_id().int)
            await person.post(f"/watchlists/{self.watchlist}/entries", {"plate": plate, "reason": "Furto"})
            self.plates.append(plate)

    async def raise_alert(self, person: Person) -> str:
        """Reports a watched plate as stored, as ingest does once a read is committed. Returns the plate. Alerts takes it from there."""
        if not self.plates:
            await self.watch(person, 1)
        plate = self.plates.pop()
        stored = StoredDetection(detection_id=new_id(), camera_id=self.cameras[0]["id"], captured_at=CLOCK.now(), object=_car(plate))
        await self._publish(person, DetectionsStored(detections=(stored,)))
        return plate

    async def read_plates(self, person: Person, count: int) -> None:
        """Reports so many plates as read, as ai-detect does, and waits until ingest has stored them."""
        frames = [
            DetectionMade(
                camera_id=self.cameras[number % len(self.cameras)]["id"],
                captured_at=CLOCK.now(),
                arrived_at=CLOCK.now(),
                width_px=1280,
                height_px=720,
                objects=(_car(_plate(number)),),
                provider="bench",
                model="bench",
            )
            for number in range(count)
        ]
        await self._publish(person, *frames)

        async def all_stored() -> bool:
            return len((await person.get("/detections", plates_only="true", limit=count))["items"]) == count

        await until(all_stored, "the plates are stored")

    async def _publish(self, person: Person, *events: EventData) -> None:
        tenant = UUID((await person.get("/users/me"))["tenant_id"])
        async with Publisher(RabbitSettings(url=SecretStr(await self._broker())), "bench") as publisher:
            for event in events:
                await EventPublisher(publisher, CLOCK).publish(event, tenant_id=tenant)

    async def _broker(self) -> str:
        return f"amqp://gtvision:{secrets(self.stack)['parts']['rabbitmq']}@127.0.0.1:{(await self.stack.ports())['rabbitmq']}/"

    @contextlib.asynccontextmanager
    async def browser(self, *switches: str) -> AsyncIterator[Browser]:
        """Yields Chromium, which believes the installation's certificate, so that it caches as it does in a city."""
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(**self.launch(*switches))
            try:
                yield browser
            finally:
                await browser.close()

    def launch(self, *switches: str) -> dict[str, Any]:
        """Returns how Chromium is started. Errors of the certificate are not just ignored: pages with one are not cached."""
        own = ("--no-sandbox", f"--ignore-certificate-errors-spki-list={self._key()}")
        return {"executable_path": chromium(), "args": [*own, *switches], "timeout": PATIENCE_MS}

    def _key(self) -> str:
        there = urlsplit(self.address)
        certificate = load_pem_x509_certificate(ssl.get_server_certificate((str(there.hostname), there.port or 443)).encode())
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    @contextlib.asynccontextmanager
    async def page(self, browser: Browser, path: str | None = None, size: Mapping[str, int] = SIZE) -> AsyncIterator[Page]:
        """Yields a page of a fresh context; with `path`, signed in and at that address."""
        context: BrowserContext = await browser.new_context(viewport=size, color_scheme="dark")  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        try:
            if path is not None:
                await page.goto(self.address)
                await self.sign_in(page)
                await page.goto(f"{self.address}{path}")
                await page.wait_for_selector("#content")
            yield page
        finally:
            await context.close()

    async def hang(self, person: Person, page: Page) -> None:
        """Hangs all cameras on the wall, and waits until each shows a picture."""
        who = (await person.get("/users/me"))["id"]
        wall = {"tiles": len(self.cameras), "cameras": [camera["id"] for camera in self.cameras], "patrol_s": None}
        await page.evaluate("([key, value]) => localStorage.setItem(key, value)", [f"gtvision.wall.{who}.1", json.dumps(wall)])
        await page.goto(f"{self.address}/mural")
        await holds(page, f"{PICTURES}.filter((count) => count > 0).length === {len(self.cameras)}")

    async def sign_in(self, page: Page) -> None:
        """Fills the login form in, sends it and waits for the console."""
        await page.fill("input[name=email]", self.stack.email)
        await page.fill("input[name=password]", self.stack.password)
        await page.click("form button[type=submit]")
        await page.wait_for_selector("#content")

    async def addresses(self, page: Page) -> dict[str, str]:
        """Returns the screens that the console's own table names, by folder, with an address of each that shows something."""
        async with self.person() as person:
            known = {
                "camera": self.cameras[0]["id"],
                "alerts": (await self.some_alert(person))["alert_id"],
                "watchlist": self.watchlist,
                "rule": "nova",
                "person": (await person.get("/users/me"))["id"],
            }
        version = await page.evaluate("document.querySelector('script[type=module]').src.split('/app/')[1].split('/')[0]")
        screens = await page.evaluate(f"import('/app/{version}/shell/screens.js').then(({{ SCREENS }}) => SCREENS)")
        # of a folder with two addresses, a list and one of its items, the second shows both
        return {each["folder"]: each["path"].replace(":id", known.get(each["folder"], "")) for each in screens}

    async def some_alert(self, person: Person) -> dict[str, Any]:
        """Returns an alert of the stack, after it has raised one where there was none."""
        if not self.watchlist or not (await person.get("/alerts", limit=1))["items"]:
            await self.raise_alert(person)

        async def there() -> Any:
            return (await person.get("/alerts", limit=1))["items"]

        return (await until(there, "there is an alert"))[0]


async def holds(page: Page, script: str) -> None:
    """Waits until the script is true, asked from outside: the console's policy forbids Playwright's own way. Raises: TimeoutError."""
    async with asyncio.timeout(PATIENCE_MS / 1_000):
        while not await page.evaluate(script):
            await asyncio.sleep(0.05)


def chromium() -> str:
    """Raises: NotTaken."""
    found = needs.find("chromium")
    if found is None:
        raise NotTaken(needs.package_reason("chromium"))
    return found


def _car(plate: str) -> DetectedObject:
    return DetectedObject(
        object_class=ObjectClass.CAR,
        confidence=0.97,
        box=Box(x1=0.3, y1=0.3, x2=0.6, y2=0.6),
        plate=PlateCandidate(text=plate, confidence=0.97),
    )


def _plate(number: int) -> str:
    """Returns a plate of the present era, other for each number; its first letter is one that no demo vehicle has."""
    letters = [chr(ord("A") + number // 26**place % 26) for place in range(3)]
    digits = [str(number // 26**3 // 10**place % 10) for place in range(3)]
    return "Z" + letters[0] + letters[1] + digits[0] + letters[2] + digits[1] + digits[2]


@contextlib.asynccontextmanager
async def control_room() -> AsyncIterator[ControlRoom]:
    """Yields the control room; the first call starts it, the end of the process ends it."""
    room = await asyncio.to_thread(_started)
    if not room.cameras:
        room.cameras = await _registered(room)
    yield room


@cache
def _started() -> ControlRoom:
    data = FOLDER / "data"
    FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    stack = Stack(data, environment(data))
    stack.gtv("down", check=False)  # what a killed run may have left
    shutil.rmtree(data, ignore_errors=True)
    CLIPS.mkdir(parents=True, exist_ok=True)
    roster = CLIPS / "cameras.json"
    roster.unlink(missing_ok=True)
    command = [sys.executable, "-m", "demo_cameras", "serve", "--data", str(CLIPS)]
    command += ["--rtsp-port", str(quiet_port()), "--http-port", str(quiet_port())]
    with (CLIPS / "camera.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)

    def end() -> None:
        stack.gtv("down", check=False)
        process.terminate()
        process.wait()
        shutil.rmtree(data, ignore_errors=True)

    atexit.register(end)
    stack.up()
    return ControlRoom(stack)


async def _registered(room: ControlRoom) -> list[dict[str, Any]]:
    """Registers the cameras, and waits until each is online."""
    roster = CLIPS / "cameras.json"

    async def rendered() -> bool:
        return roster.exists()

    await until(rendered, "the demo cameras are rendered (see build/bench-cameras/camera.log)", 1_800)
    async with room.person() as person:
        cameras = json.loads(roster.read_text())["cameras"]
        for copy in range(1, COPIES + 1):
            for camera in cameras:
                body = {"name": camera["title"], "url": camera["url"], "external_id": camera["external_id"]}
                if copy > 1:
                    body |= {"name": f"{camera['title']} {copy}", "external_id": f"{camera['external_id']}-{copy}"}
                    body |= {"ai": {"enabled": False}, "recording": {"enabled": False}}
                await person.post("/cameras", body)
            # round by round: a camera that is asked for four streams while it starts may give none
            known = await until(partial(_all_online, person, copy * len(cameras)), f"{copy * len(cameras)} cameras are online")
        return known


async def _all_online(person: Person, wanted: int) -> list[dict[str, Any]] | None:
    cameras = await person.every("/cameras")
    return cameras if sum(camera["state"] == "online" for camera in cameras) == wanted else None
