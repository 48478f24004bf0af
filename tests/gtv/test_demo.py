"""Tests that the demo registers its cameras and plates once, also when it runs again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gtv.demo import DemoCamera, demo_cameras, register
from gtv.failures import GtvError


class Api:
    """A fake of the API's client that keeps cameras and watchlists in two lists."""

    def __init__(self) -> None:
        self.cameras: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.lists: list[dict[str, Any]] = []

    async def every(self, path: str) -> Any:
        for item in {"/cameras": self.cameras, "/watchlists": self.lists}.get(path, self.entries):
            yield item

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        if method == "PATCH":
            next(item for item in self.cameras if path.endswith(item["id"])).update(url=body["url"].replace("u:p@", ""))
        elif path == "/cameras":
            self.cameras.append({**body, "id": f"id-{len(self.cameras)}", "url": body["url"].replace("u:p@", "")})
        elif path == "/watchlists":
            self.lists.append({**body, "watchlist_id": "w"})
            return self.lists[-1]
        else:
            self.entries.append(body)
        return {}


def _cameras(port: int) -> list[DemoCamera]:
    return [
        DemoCamera(f"demo-{name}", name, f"rtsp://u:p@127.0.0.1:{port}/{name}", ("ABC1D23", "XYZ9A87", "QQQ1234")) for name in ("a", "b")
    ]


async def test_registers_once_and_follows_a_port_that_moved() -> None:
    api: Any = Api()
    first = await register(api, _cameras(1000))
    assert first.cameras == ["a", "b"]
    again = await register(api, _cameras(1000))
    assert (again.cameras, again.known, again.watched) == ([], 2, [])
    await register(api, _cameras(2000))
    assert [item["url"] for item in api.cameras] == ["rtsp://127.0.0.1:2000/a", "rtsp://127.0.0.1:2000/b"]


def test_reads_the_roster_without_showing_passwords(tmp_path: Path) -> None:
    with pytest.raises(GtvError, match="not ready"):
        demo_cameras(tmp_path)
    item = {"name": "a", "external_id": "demo-a", "title": "A", "url": "rtsp://u:secret@h/a", "plates": ["ABC1D23"]}
    (tmp_path / "cameras.json").write_text(json.dumps({"cameras": [item]}))
    (camera,) = demo_cameras(tmp_path)
    assert camera.plates == ("ABC1D23",)
    assert "secret" not in repr(camera)
    assert demo_cameras(tmp_path, ("b",)) == []
