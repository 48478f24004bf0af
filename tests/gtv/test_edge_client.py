"""Tests of the client's address at the edge: X-Forwarded-For counts from trusted proxies only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.gtv.front import Front, edge_of, sent

from servers import free_port

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    """The edge with trusted proxies on this machine and in 10/8."""
    async with edge_of(tmp_path_factory.mktemp("edge"), trusted_proxies=("127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48")) as running:
        yield running


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.0.0.7, 10.0.0.8", "203.0.113.9"),
        ("2001:db8:2::1, 2001:db8:1::5", "2001:db8:2::1"),
        ("nonsense", "127.0.0.1"),
        ("198.51.100.1, nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
async def test_the_client_is_the_last_address_that_is_none_of_ours(front: Front, told: str, client: str) -> None:
    answer = await front.client.get("/api/v1/cameras", headers={"X-Forwarded-For": told})
    assert sent(answer)["x-forwarded-for"] == client


async def test_each_request_of_a_proxys_connection_has_its_own_client(front: Front) -> None:
    for version in ("--http1.1", "--http2"):
        one = ["--cacert", front.authority, version, "-H", "X-Forwarded-For: 203.0.113.1", f"{front.address()}/api/v1/cameras"]
        two = ["-sS", "--cacert", front.authority, version, "-H", "X-Forwarded-For: 203.0.113.2", f"{front.address()}/api/v1/cameras"]
        said = (await front.curl(*one, "--next", *two)).stdout
        assert '["x-forwarded-for", "203.0.113.1"]' in said
        assert '["x-forwarded-for", "203.0.113.2"]' in said


async def test_a_client_has_one_address_whatever_the_listener(tmp_path: Path) -> None:
    port = free_port()
    async with edge_of(tmp_path, edge=f"[::]:{port}", public_port=port) as both:
        for host, client in (("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")):
            async with both.asking(base_url=f"https://{host}:{port}") as asking:
                assert sent(await asking.get("/api/v1/cameras"))["x-forwarded-for"] == client


async def test_the_log_has_the_client(front: Front) -> None:
    await front.client.get("/api/v1/cameras", headers={"X-Forwarded-For": "203.0.113.77"})
    async with asyncio.timeout(180):
        while "203.0.113.77" not in {line["client"] for line in front.lines()}:
            await asyncio.sleep(0.02)
