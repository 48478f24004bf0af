"""Measures how many of the plates that pass the demo cameras are found, by the cameras' ground truth.

It needs a running stack with the demo cameras (`gtv up --demo`) and watches live traffic, so it is not part of `make bench`:

    GTV_DATA=... python -m tests.bench.demo_recall --minutes 4
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from chassis.settings import load
from gtv.client import Client
from gtv.home import Home, default_home
from gtv.settings import Settings
from gtvision.time import SystemClock, isoformat
from servers.files import read_json

FOUND_WITHIN = timedelta(seconds=5)
"""How soon a plate has to be found after it left the picture."""


@dataclass(frozen=True)
class Passage:
    """A plate that passed a camera, and what was stored of it."""

    camera: str
    plate: str
    vehicle: str
    found: bool
    in_time: bool
    reads: int


async def passages(client: Client, truth: str, camera: dict[str, Any], since: datetime, until: datetime) -> list[Passage]:
    """Returns every passage that began and ended within the window, with what the API found of it."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{truth}/cameras/{camera['name']}/truth", params={"since": isoformat(since)})
    seen = [item for item in answer.json()["passages"] if item["complete"] and not item["disturbed"]]
    cameras = {item["external_id"]: item["id"] async for item in client.every("/cameras")}
    result = []
    for item in seen:
        first, last = (datetime.fromisoformat(item[edge]) for edge in ("first_seen", "last_seen"))
        if last > until - FOUND_WITHIN:
            continue
        window = {"from": isoformat(first - timedelta(seconds=1)), "to": isoformat(last + FOUND_WITHIN)}
        page = await client.call("GET", f"/plates/{item['plate']}", mode="exact", **window)
        mine = [read for read in page["items"] if read["camera_id"] == cameras[camera["external_id"]]]
        stored = [
            row
            async for row in client.every("/detections", camera_id=cameras[camera["external_id"]], **window)
            if row["plate"] == item["plate"] and datetime.fromisoformat(row["stored_at"]) <= last + FOUND_WITHIN
        ]
        result.append(Passage(camera["name"], item["plate"], item["class"], bool(mine), bool(stored), len(mine)))
    return result


async def measure(minutes: float) -> list[Passage]:
    """Waits for some minutes, then asks what was found."""
    home = Home(load(Settings).data or default_home())
    state, secrets = home.read_state(), read_json(home.root / "secrets.json")
    roster = read_json(home.root / "demo" / "cameras.json")
    since = SystemClock().now()
    await asyncio.sleep(minutes * 60)
    until = SystemClock().now()
    async with Client(state["address"], secrets["tool_key"]) as client:
        found = [await passages(client, roster["truth_url"], camera, since, until) for camera in roster["cameras"]]
    return [passage for part in found for passage in part]


def report(passed: list[Passage]) -> str:
    """Returns a table with a line for each camera."""
    lines = [f"{'camera':12} passed  found exactly  within 5 s"]
    for camera in [*dict.fromkeys(item.camera for item in passed), "all"]:
        mine = [item for item in passed if camera in (item.camera, "all")]
        counts = Counter(found=sum(item.found for item in mine), in_time=sum(item.in_time for item in mine))
        lines.append(f"{camera:12} {len(mine):6}  {counts['found'] / len(mine):12.1%}  {counts['in_time'] / len(mine):9.1%}")
    missed = sorted({f"{item.camera}:{item.plate} ({item.vehicle})" for item in passed if not item.found})
    return "\n".join([*lines, f"missed: {', '.join(missed) or 'none'}"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=4)
    print(report(asyncio.run(measure(parser.parse_args().minutes))))
