"""Hostile camera addresses against the whole way to the media server, with a listener that must never hear from anybody.

The media server of these tests does what MediaMTX does with what it is told: it connects, and looks names up by itself. Whoever owns the
names has made all of them mean the listener by then.
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
from tests.streaming.streams.test_names import Town

from gtvision.addresses import AddressPolicy, literal_address
from streaming.gateways.tls_certificates import TlsCertificates
from streaming.streams.domain import Change, ChangeKind
from streaming.streams.fakes import FakeMediaServer, FakeNames
from streaming.streams.usecases import CameraNames

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
    """Connects to whatever it is told, at once. Names are the attacker's: they mean the listener."""

    told: list[str] = field(default_factory=list)

    async def apply(self, change: Change) -> None:
        await super().apply(change)
        if change.kind is ChangeKind.DELETE:
            return
        self.told.append(change.path.source)
        target = urlsplit(change.path.source)
        literal = literal_address(target.hostname or "")
        if literal is not None and not literal.is_loopback:
            return  # somebody else's machine: no test goes there
        try:
            _, writer = await asyncio.open_connection(str(literal or "127.0.0.1"), target.port)
        except OSError:
            return
        writer.close()
        await writer.wait_closed()


@dataclass
class Canary:
    port: int
    heard: int = 0


@asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    async def sing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bird.heard += 1
        writer.close()

    async with await asyncio.start_server(sing, "127.0.0.1", 0) as server:
        bird = Canary(server.sockets[0].getsockname()[1])
        yield bird
        # Connections are taken in order: when this one has been heard, so has whoever came before.
        reader, writer = await asyncio.open_connection("127.0.0.1", bird.port)
        await reader.read()
        writer.close()
        assert bird.heard == 1, "somebody was led here"


class Hostile(Town):
    """A town whose certificates are asked for over the network, and whose media server connects."""

    def restart(self) -> None:
        self.media = EagerMediaServer()
        self.names = CameraNames(self.dns, TlsCertificates(timeout_s=60), self.policy, self.clock, timedelta(seconds=60))

    @property
    def told(self) -> list[str]:
        assert isinstance(self.media, EagerMediaServer)
        return self.media.told


def payloads(port: int) -> list[str]:
    """Every one is refused or leads to the listener."""
    literal = [f"{scheme}://{place}:{port}/s" for place in FORBIDDEN_PLACES for scheme in ("rtsp", "rtsps")]
    return [*MALFORMED, *literal, *(form.format(port=port) for form in FORMS)]


def test_there_are_enough_payloads() -> None:
    assert len(payloads(1)) + 2 * len(FORBIDDEN_PLACES) >= 60


async def test_no_hostile_address_leads_anybody_anywhere() -> None:
    async with canary() as bird:
        town = Hostile()
        town.dns.answers = {name: ["127.0.0.1"] for name in ("localhost", "localhost.")}
        hostile = {town.add(text): text for text in payloads(bird.port)}
        for number, place in enumerate(FORBIDDEN_PLACES):
            town.dns.answers[f"name-{number}.example"] = [place.strip("[]")]
            for scheme in ("rtsp", "rtsps"):
                text = f"{scheme}://user:secret@name-{number}.example:{bird.port}/s"
                hostile[town.add(text)] = text
        for _ in range(3):
            refused = await town.settle()
        assert {text for path, text in hostile.items() if path not in refused} == set()
        assert (town.told, town.sources()) == ([], {})


async def test_a_name_that_was_honest_at_the_door_leads_nobody_home_later() -> None:
    async with canary() as bird:
        town = Hostile()
        path = town.add(f"rtsp://user:secret@camera.example:{bird.port}/s")
        town.dns.answers = {"camera.example": ["10.0.0.5"]}
        await town.settle()
        assert town.sources() == {path: f"rtsp://user:secret@10.0.0.5:{bird.port}/s"}
        town.media.configured.clear()  # it restarts: everything is told again, and the name means us by now
        await town.reconcile()
        for answers in (["127.0.0.1"], ["::ffff:127.0.0.1", "169.254.169.254"], ["0.0.0.0"]):
            town.dns.answers = {"camera.example": answers}
            assert await town.settle() == {path}
            assert town.sources() == {}
        assert set(town.told) == {f"rtsp://user:secret@10.0.0.5:{bird.port}/s"}


async def test_a_service_network_is_refused_behind_a_name_too() -> None:
    async with canary():
        town = Hostile(AddressPolicy(denied=(ip_network("10.9.0.0/16"),)))
        town.dns.answers = {"db.example": ["10.9.0.7"], "camera.example": ["10.9.0.7", "10.8.0.7"]}
        inner, outer = town.add("rtsp://db.example:5432/s"), town.add("rtsp://camera.example/s")
        assert await town.settle() == {inner}
        assert town.sources() == {outer: "rtsp://10.8.0.7/s"}


@pytest.mark.parametrize("url", ["rtsp://127.0.0.1:{port}/s", "rtsp://camera.example:{port}/s", "rtsps://camera.example:{port}/s"])
async def test_the_listener_does_hear_what_is_allowed(url: str) -> None:
    """So that the silence above means something."""
    with pytest.raises(AssertionError, match="somebody was led here"):
        async with canary() as bird:
            town = Hostile(AddressPolicy(allow_loopback=True))
            town.dns = FakeNames({"camera.example": ["127.0.0.1"]})
            town.restart()
            town.add(url.format(port=bird.port))
            await town.settle()
