"""`gtv demo`: the demo cameras as a customer would register them, through the API, and a watchlist with some of their plates."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gtv.client import Client
from gtv.failures import GtvError
from servers.files import read_json

ROSTER = "cameras.json"
"""Written by the demo cameras, closed to other accounts: it holds their passwords."""
WATCHLIST = "Procurados (demonstração)"
WATCHED_PLATES = 2
"""Of each camera, the first to pass."""


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """A camera as the demo's roster describes it."""

    external_id: str
    title: str
    url: str = field(repr=False)
    """With its password."""
    plates: tuple[str, ...]


@dataclass(slots=True)
class Done:
    """How many cameras and plates `register` added."""

    cameras: list[str] = field(default_factory=list)
    """Names that were new."""
    known: int = 0
    watched: list[str] = field(default_factory=list)


def demo_cameras(folder: Path, wanted: Container[str] = ()) -> list[DemoCamera]:
    """The demo cameras, or those of them that are wanted. Raises: GtvError while they are still being rendered."""
    listed = read_json(folder / ROSTER).get("cameras")
    if listed is None:
        raise GtvError("The demo cameras are not ready yet.")
    chosen = [item for item in listed if not wanted or item["name"] in wanted]
    return [DemoCamera(item["external_id"], item["title"], item["url"], tuple(item["plates"])) for item in chosen]


async def register(client: Client, cameras: list[DemoCamera]) -> Done:
    """Register what is not registered yet and watch some plates of each. Repeatable. Raises: Refused, httpx.HTTPError."""
    done = Done()
    known = {item["external_id"]: item async for item in client.every("/cameras")}
    for camera in cameras:
        registered = known.get(camera.external_id)
        if registered is None:
            await client.call("POST", "/cameras", {"name": camera.title, "url": camera.url, "external_id": camera.external_id})
            done.cameras.append(camera.title)
            continue
        done.known += 1
        if registered["url"] != _bare(camera.url):
            # the port moved since the last run
            await client.call("PATCH", f"/cameras/{registered['id']}", {"url": camera.url})
    done.watched = await _watch(client, cameras)
    return done


def _bare(url: str) -> str:
    """The address without user and password, as the API shows it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


async def _watch(client: Client, cameras: list[DemoCamera]) -> list[str]:
    lists = [item async for item in client.every("/watchlists")]
    found = next((item for item in lists if item["name"] == WATCHLIST), None)
    chosen = found or await client.call("POST", "/watchlists", {"name": WATCHLIST, "severity": "critical"})
    path = f"/watchlists/{chosen['watchlist_id']}/entries"
    watched = {item["plate"] async for item in client.every(path)}
    added = []
    for plate in [plate for camera in cameras for plate in camera.plates[:WATCHED_PLATES]]:
        if plate not in watched:
            await client.call("POST", path, {"plate": plate, "reason": "Veículo da demonstração"})
            added.append(plate)
    return added
