"""Tests of what the edge compresses: the API's JSON, by HAProxy, and the console's files, by nginx."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.fixtures import needs
from tests.gtv.front import CAMERA, ROOT, Front, edge_of, sent

from gtv import edge
from servers import Nginx, ServerRunner, free_port

pytestmark = pytest.mark.media
FILES = {name: f"/* {name} */\n" * 500 for name in ("index.html", "shell.js", "style.css", "vendor.mjs", "icon.svg")}


@pytest.fixture(scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    """The edge with a real nginx behind it."""
    needs.program("nginx")
    folder = tmp_path_factory.mktemp("compression")
    console = folder / "console"
    console.mkdir()
    for name, text in FILES.items():
        (console / name).write_text(text)
    nginx = Nginx("nginx", folder / "run", free_port(), template=ROOT / "nginx/nginx.conf.template", console=console)
    async with ServerRunner(folder) as runner:
        await runner.start([nginx])
        async with edge_of(folder / "edge", {"console": edge.Target(f"127.0.0.1:{nginx.port}")}) as running:
            yield running


async def test_json_of_the_api_is_compressed(front: Front) -> None:
    path = "/api/v1/cameras/typed"
    answer = await front.client.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert answer.json()["target"] == path


@pytest.mark.parametrize("name", FILES)
async def test_files_of_the_console_are_compressed(front: Front, name: str) -> None:
    for accepted, given in (("gzip, deflate, br", "gzip"), ("identity", None)):
        answer = await front.client.get(f"/{name}", headers={"Accept-Encoding": accepted})
        assert (answer.headers.get("content-encoding"), answer.text) == (given, FILES[name])


async def test_a_client_that_takes_no_gzip_gets_none(front: Front) -> None:
    answer = await front.client.get("/api/v1/cameras/typed", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("path", [f"/hls/{CAMERA}/typed.m3u8", f"/whep/{CAMERA}/whep/typed"])
async def test_video_is_never_compressed(front: Front, path: str) -> None:
    answer = await front.client.get(path, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.status_code == 200


async def test_answers_to_a_login_are_not_compressed(front: Front) -> None:
    answer = await front.client.get("/api/v1/auth/typed", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert "accept-encoding" not in sent(answer)
