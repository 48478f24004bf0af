"""The console's file server."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from chassis.static import create_static


@pytest.fixture
async def client(tmp_path: Path) -> httpx.AsyncClient:
    """The server with a page and a module."""
    folder = tmp_path / "console"
    folder.mkdir()
    (folder / "index.html").write_text("<title>GT-Vision</title>")
    (folder / "main.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_static(folder)), base_url="http://console")


async def test_serves_the_page_under_a_strict_policy(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.text == "<title>GT-Vision</title>"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


async def test_an_unchanged_file_costs_no_second_transfer(client: httpx.AsyncClient) -> None:
    first = await client.get("/main.js")
    assert "javascript" in first.headers["content-type"]
    again = await client.get("/main.js", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/missing.js", "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"])
async def test_nothing_outside_the_folder(client: httpx.AsyncClient, path: str) -> None:
    request = client.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())
    answer = await client.send(request)
    assert answer.status_code == 404
    assert "secret" not in answer.text


async def test_is_read_only_and_says_that_it_lives(client: httpx.AsyncClient) -> None:
    assert (await client.post("/main.js")).status_code == 405
    assert (await client.get("/health/live")).status_code == 200
