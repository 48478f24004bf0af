"""W7: from the moment that an alert says it was raised to its banner, its sound and its count in the page's title: the last of them, in ms.

W7b: the same for an alert that is raised while the link is cut, from the moment that the link is back. The cut is made between the browser
and the edge: every connection is reset, and new ones are refused. Cuts last from half a second to twelve, as the pauses between two tries
to connect depend on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Page
from tests.bench import load
from tests.bench.control_room import ControlRoom, control_room, holds
from tests.e2e.stack import Person, until

from servers import free_port

BAR_MS = 1_000.0
LONGEST_CUT_S = 12.0
SHORTEST_CUT_S = 0.5
WATCH = """
(plate) => {
  const button = document.querySelector("button.sound");
  const count = () => Number(/^\\((\\d+)\\)/.exec(document.title)?.[1] ?? 0);
  const sounds = Number(button.dataset.played), open = count();
  const now = () => performance.timeOrigin + performance.now();
  const seen = (window.bench = { banner: null, sound: null, title: null });
  const look = () => {
    if (document.querySelector(".banner")?.textContent.includes(plate)) seen.banner ??= now();
    if (Number(button.dataset.played) > sounds) seen.sound ??= now();
    if (count() > open) seen.title ??= now();
    if (Object.values(seen).every(Boolean)) observer.disconnect();
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { attributes: true, characterData: true, childList: true, subtree: true });
}
"""


class Cable:
    """The way from the browser to the edge, which can be cut."""

    def __init__(self, port: int) -> None:
        self._edge = port
        self.port = free_port()
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    async def plug(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    def cut(self) -> None:
        """Resets all connections; new ones are refused."""
        if self._server:
            self._server.close()
        for end in self._ends:
            end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            back, forth = await asyncio.open_connection("127.0.0.1", self._edge)
            self._ends |= {writer, forth}
            await asyncio.gather(_copy(reader, forth), _copy(back, writer))
            self._ends -= {writer, forth}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def measure(rounds: int = 7) -> dict[str, Any]:
    """Raises alerts one by one, without and then with a cut."""
    async with control_room() as room, _cable(room) as cable, room.person() as person:
        await room.watch(person, 2 * rounds)
        way = f"--host-resolver-rules=MAP {urlsplit(room.address).netloc} 127.0.0.1:{cable.port}"
        async with room.browser(way) as browser, room.page(browser, "/painel") as page:
            await page.click("h1")  # browsers let a page sound once it has been touched
            await _linked(page)
            plain = [await _raised(room, person, page) for _ in range(rounds)]
            lengths = [SHORTEST_CUT_S + (LONGEST_CUT_S - SHORTEST_CUT_S) * turn / (rounds - 1) for turn in range(rounds)]
            cut = [await _raised_meanwhile(room, person, page, cable, length) for length in lengths]
    bars = {**load.bars(BAR_MS, BAR_MS, BAR_MS, rounds), "better": "lower"}
    return {
        "id": "W7",
        "job": "alert raised to banner, sound and title, ms",
        **load.spread(plain, 0),
        **bars,
        "also": {
            "id": "W7b",
            "job": "alert raised during a cut: link back to banner, sound and title, ms",
            **load.spread(cut, 0),
            **bars,
            "detail": ", ".join(f"{taken:.0f} ms after {length:.1f} s" for taken, length in zip(cut, lengths, strict=True)),
        },
    }


@contextlib.asynccontextmanager
async def _cable(room: ControlRoom) -> AsyncIterator[Cable]:
    cable = Cable(urlsplit(room.address).port or 443)
    await cable.plug()
    yield cable
    cable.cut()


async def _raised(room: ControlRoom, person: Person, page: Page) -> float:
    """Returns the milliseconds from the alert's own time until the last of its signs."""
    plate = room.plates[-1]
    await page.evaluate(WATCH, plate)
    await room.raise_alert(person)
    return await _last_sign(page) - datetime.fromisoformat((await _alert(person, plate))["raised_at"]).timestamp() * 1_000


async def _raised_meanwhile(room: ControlRoom, person: Person, page: Page, cable: Cable, length: float) -> float:
    """Returns the milliseconds from the end of a cut, in which the alert was raised, until the last of its signs."""
    plate = room.plates[-1]
    await page.evaluate(WATCH, plate)
    cable.cut()
    began = time.monotonic()
    await room.raise_alert(person)
    await _alert(person, plate)
    await asyncio.sleep(max(0.0, length - (time.monotonic() - began)))
    back = time.time() * 1_000
    await cable.plug()
    last = await _last_sign(page)
    await _linked(page)
    return last - back


async def _alert(person: Person, plate: str) -> dict[str, Any]:
    """Waits until the alert is stored, and returns it."""

    async def found() -> Any:
        return (await person.get("/alerts", plate=plate))["items"]

    return (await until(found, f"the alert for {plate} is stored"))[0]


async def _last_sign(page: Page) -> float:
    await holds(page, "Object.values(bench).every(Boolean)")
    last: float = await page.evaluate("Math.max(...Object.values(bench))")
    return last


async def _linked(page: Page) -> None:
    await page.wait_for_selector(".badge.link[data-state=on]")
