"""Tests of hostile camera addresses, from the stored address to the media server; a listener on loopback must never be connected to.

The media server of these tests connects as MediaMTX does, and resolves names by itself: every name leads to the listener by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import urlsplit

import pytest
from tests.hostile_urls import FORBIDDEN_PLACES, MALFORMED
from tests.streaming.names.test_usecases import Site

from gtvision.addresses import AddressPolicy, literal_address
from streaming.gateways.tls_certificates import TlsCertificates
from streaming.names.fakes import FakeNames
from streaming.names.usecases import CameraNames
from streaming.streams.domain import Change, ChangeKind
from streaming.streams.fakes import FakeMediaServer

FORMS = [
    "rtsp://localhost:{port}/s",
    "rtsp://LOCALHOST:{port}/s",
    "rtsp://localhost.:{port}/s",
    "rtsp://user:secret@127.0.0.1:{port}/s",
    "rtsp://10.0.0.5:554@127.0.0.1:{port}/s",
    "rtsp://10.0.0.5%40127.0.0.1:{port}/s",
    "rtsp://127.0.0.1:{port}",
    "rtsps://127.0.0.1:{port}/s",
    "rtsps://user:secret@[::1]:{port}/s",
    "RTSP://[::FFFF:127.0.0.1]:{port}/s",
    "rtsp://127.0.0.1:{port}/s?host=10.0.0.5",
    "rtsp://2130706433:{port}/s",
    "rtsp://0x7f000001:{port}/s",
    "rtsp://0177.0.0.1:{port}/s",
    "rtsp://127.1:{port}/s",
    "rtsp://0:{port}/s",
    "http://127.0.0.1:{port}/s",
    "tcp://127.0.0.1:{port}",
    "unix+mpegts://127.0.0.1:{port}",
    "rtsp://$MTX_QUERY:{port}/s",
    "redirect",
    "publisher",
]


@dataclass
class EagerMediaServer(FakeMediaServer):
    """A media server that connects to every source at once. Names are the attacker's and lead to the listener."""

    told: list[str] = field(default_factory=list)

    async def apply(self, change: Change) -> None:
        await super().apply(change)
        if change.kind is ChangeKind.DELETE:
            return
        self.told.append(change.path.source)
        target = urlsplit(change.path.source)
        literal = literal_address(target.hostname or "")
        if literal is not None and not literal.is_loopback:
            return  # an outside address, to which no test connects
        try:
            _, writer = await asyncio.open_connection(str(literal or "127.0.0.1"), target.port)
        except OSError:
            return
        writer.close()
        await writer.wait_closed()


@dataclass
class Listener:
    port: int
    connections: int = 0


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        writer.close()

    async with await asyncio.start_server(count, "127.0.0.1", 0) as server:
        listener = Listener(server.sockets[0].getsockname()[1])
        yield listener
        # Connections are accepted in order, so every earlier one is counted before this one.
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        await reader.read()
        writer.close()
        assert listener.connections == 1, "the listener was connected to"


class Hostile(Site):
    """A site that reads certificates over the network, and whose media server connects."""

    def restart(self) -> None:
        self.media = EagerMediaServer()
        self.names = CameraNames(self.dns, TlsCertificates(timeout_s=60), self.policy, self.clock, timedelta(seconds=60))

    @property
    def told(self) -> list[str]:
        assert isinstance(self.media, EagerMediaServer)
        return self.media.told


def payloads(port: int) -> list[str]:
    """Returns addresses that have to be refused, as they lead to the listener."""
    literal = [f"{scheme}://{place}:{port}/s" for place in FORBIDDEN_PLACES for scheme in ("rtsp", "rtsps")]
    return [*MALFORMED, *literal, *(form.format(port=port) for form in FORMS)]


def test_there_are_enough_payloads() -> None:
    assert len(payloads(1)) + 2 * len(FORBIDDEN_PLACES) >= 60


async def test_no_hostile_address_is_connected_to() -> None:
    async with listening() as listener:
        site = Hostile()
        site.dns.answers = {name: ["127.0.0.1"] for name in ("localhost", "localhost.")}
        hostile = {site.add(text): text for text in payloads(listener.port)}
        for number, place in enumerate(FORBIDDEN_PLACES):
            site.dns.answers[f"name-{number}.example"] = [place.strip("[]")]
            for scheme in ("rtsp", "rtsps"):
                text = f"{scheme}://user:secret@name-{number}.example:{listener.port}/s"
                hostile[site.add(text)] = text
        for _ in range(3):
            refused = await site.settle()
        assert {text for path, text in hostile.items() if path not in refused} == set()
        assert (site.told, site.sources()) == ([], {})


async def test_a_name_that_was_acceptable_at_first_is_not_followed_inwards_later() -> None:
    async with listening() as listener:
        site = Hostile()
        path = site.add(f"rtsp://user:secret@camera.example:{listener.port}/s")
        site.dns.answers = {"camera.example": ["10.0.0.5"]}
        await site.settle()
        assert site.sources() == {path: f"rtsp://user:secret@10.0.0.5:{listener.port}/s"}
        site.media.configured.clear()  # as after its restart: all paths are set again, while the name leads to the listener by now
        await site.reconcile()
        for answers in (["127.0.0.1"], ["::ffff:127.0.0.1", "169.254.169.254"], ["0.0.0.0"]):
            site.dns.answers = {"camera.example": answers}
            assert await site.settle() == {path}
            assert site.sources() == {}
        assert set(site.told) == {f"rtsp://user:secret@10.0.0.5:{listener.port}/s"}


async def test_a_service_network_is_refused_behind_a_name_too() -> None:
    async with listening():
        site = Hostile(AddressPolicy(denied=(ip_network("10.9.0.0/16"),)))
        site.dns.answers = {"db.example": ["10.9.0.7"], "camera.example": ["10.9.0.7", "10.8.0.7"]}
        inner, outer = site.add("rtsp://db.example:5432/s"), site.add("rtsp://camera.example/s")
        assert await site.settle() == {inner}
        assert site.sources() == {outer: "rtsp://10.8.0.7/s"}


@pytest.mark.parametrize("url", ["rtsp://127.0.0.1:{port}/s", "rtsp://camera.example:{port}/s", "rtsps://camera.example:{port}/s"])
async def test_the_listener_does_hear_what_is_allowed(url: str) -> None:
    """The listener does notice connections, so the tests above prove something."""
    with pytest.raises(AssertionError, match="the listener was connected to"):
        async with listening() as listener:
            site = Hostile(AddressPolicy(allow_loopback=True))
            site.dns = FakeNames({"camera.example": ["127.0.0.1"]})
            site.restart()
            site.add(url.format(port=listener.port))
            await site.settle()
