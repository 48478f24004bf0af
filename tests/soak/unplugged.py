"""`python -m tests.soak.unplugged`: how long until a phone knows that a camera is lost, and that it is back, on a whole installation.

A city connects one channel, a webhook, and nothing else. One camera is unplugged and plugged in again, a few times; then the network of
thirty cameras dies at once. The exit status is 1 where a message takes longer than it may, or the dead network is more than one message.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.stack import CLOCK, Person, Stack, environment, quiet_port, until
from tests.soak.home import DemoCamera, demo_cameras, workplace

LOST_WITHIN_S, BACK_WITHIN_S = 45.0, 60.0
ROUNDS = 3
NETWORK = 30
DEMO = 4
PATIENCE_S = 120


@dataclass
class Phone:
    """A webhook's receiver: what was told, and when."""

    told: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            body = json.loads(await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0])))
            self.told.append((CLOCK.monotonic(), body["type"], body["data"].get("alert", {})))
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    async def hears(self, what: str, since: float, about: str) -> float:
        """Returns the seconds from `since` until a message of this kind about the camera came."""

        async def heard() -> float | None:
            return next((at for at, kind, alert in self.told if at >= since and kind == what and _is_about(alert, about)), None)

        found: float = await until(heard, f"{what} is told", PATIENCE_S)
        return found - since


def _is_about(alert: dict[str, Any], camera: str) -> bool:
    return alert.get("camera_id") == camera or camera in alert.get("camera_ids", ())


@contextlib.asynccontextmanager
async def phone(port: int) -> AsyncIterator[Phone]:
    found = Phone()
    async with await asyncio.start_server(found.answer, "127.0.0.1", port):
        yield found


async def unplug(folder: Path) -> int:
    port = quiet_port()
    async with demo_cameras(DEMO) as cameras, phone(port) as told, _city(folder / "data", cameras) as person:
        await person.post(
            "/channels",
            {"kind": "webhook", "name": "Telefone", "settings": {"url": f"http://127.0.0.1:{port}/"}, "secrets": {}},
        )
        lost, back = [], []
        for _ in range(ROUNDS):
            began = CLOCK.monotonic()
            await cameras[0].fault("refuse")
            lost.append(await told.hears("alert.raised", began, cameras[0].camera_id))
            began = CLOCK.monotonic()
            await cameras[0].fault("none")
            back.append(await told.hears("alert.resolved", began, cameras[0].camera_id))
            print(f"lost: told after {lost[-1]:.1f} s; back: told after {back[-1]:.1f} s", flush=True)
            await asyncio.sleep(BACK_WITHIN_S)  # a camera that comes and goes within a minute is one alert
        copies = await _network(person, cameras)
        before, began = len(told.told), CLOCK.monotonic()
        for camera in cameras:
            await camera.fault("freeze")
        took = await told.hears("alert.raised", began, copies[0])
        await asyncio.sleep(LOST_WITHIN_S)
        raised = [alert for _, kind, alert in told.told[before:] if kind != "alert.resolved"]
        print(f"a network of {len(copies)} cameras: told after {took:.1f} s by {len(raised)} message(s): {raised[0]['title']}")
        for camera in cameras:
            await camera.fault("none")
        await told.hears("alert.resolved", began, copies[0])
    print(f"lost {statistics.median(lost):.1f} s (at most {max(lost):.1f}), back {statistics.median(back):.1f} s (at most {max(back):.1f})")
    held = max(lost) <= LOST_WITHIN_S and max(back) <= BACK_WITHIN_S and took <= LOST_WITHIN_S and len(raised) == 1
    return 0 if held else 1


@contextlib.asynccontextmanager
async def _city(data: Path, cameras: list[DemoCamera]) -> AsyncIterator[Person]:
    stack = Stack(data, environment(data) | {"NOTIFY_ALLOW_LOOPBACK": "true", "NOTIFY_ALLOW_HTTP": "true"})
    try:
        await asyncio.to_thread(stack.up)
        person = Person(stack)
        await person.log_in()
        for camera in cameras:
            camera.camera_id = await _add(person, camera, camera.title)
        await _all_online(person, len(cameras))
        yield person
        await person.http.aclose()
    finally:
        await asyncio.to_thread(stack.gtv, "down", check=False)


async def _network(person: Person, cameras: list[DemoCamera]) -> list[str]:
    """Registers the demo cameras under other names, until there are thirty."""
    added = [await _add(person, cameras[number % len(cameras)], f"Câmera {number + 1}") for number in range(len(cameras), NETWORK)]
    await _all_online(person, NETWORK)
    return [camera.camera_id for camera in cameras] + added


async def _add(person: Person, camera: DemoCamera, name: str) -> str:
    quiet = {"ai": {"enabled": False}, "recording": {"enabled": False}}
    made: dict[str, Any] = await person.post("/cameras", {"name": name, "url": camera.url, **quiet})
    return str(made["id"])


async def _all_online(person: Person, count: int) -> None:
    async def online() -> bool:
        return sum(each["state"] == "online" for each in await person.every("/streams")) >= count

    await until(online, f"{count} cameras are online", PATIENCE_S)


def main() -> int:
    with workplace(keep="--keep" in sys.argv) as folder:
        return asyncio.run(unplug(folder))


if __name__ == "__main__":
    sys.exit(main())
