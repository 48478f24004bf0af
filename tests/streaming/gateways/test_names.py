"""Tests of DNS look-ups and of certificates that prove a name; the fakes and the real gateways pass the same ones."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from gtv import tls
from gtvision.errors import Unavailable
from gtvision.time import SystemClock
from streaming.gateways.system_names import SystemNames
from streaming.gateways.tls_certificates import TlsCertificates
from streaming.names.fakes import FakeNames
from streaming.names.ports import Names


@pytest.mark.parametrize("names", [SystemNames, lambda: FakeNames({"localhost": ["127.0.0.1", "::1"], "192.0.2.7": ["192.0.2.7"]})])
class TestNames:
    async def test_a_name_has_addresses_each_once(self, names: Callable[[], Names]) -> None:
        found = await names().addresses("localhost")
        assert found
        assert all(address.is_loopback for address in found)
        assert len(set(found)) == len(found)

    async def test_an_address_is_its_own(self, names: Callable[[], Names]) -> None:
        assert await names().addresses("192.0.2.7") == [ip_address("192.0.2.7")]

    @pytest.mark.parametrize("host", ["unknown.invalid", "x" * 64 + ".invalid"])
    async def test_no_such_name_is_no_answer(self, names: Callable[[], Names], host: str) -> None:
        with pytest.raises(Unavailable):
            await names().addresses(host)


async def test_what_takes_too_long_is_no_answer() -> None:
    with pytest.raises(Unavailable):
        await SystemNames(timeout_s=0).addresses("localhost")


async def test_the_thread_of_a_look_up_that_timed_out_is_given_back() -> None:
    names = SystemNames(timeout_s=60, most=1)
    leaving = asyncio.create_task(names.addresses("localhost"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await names.addresses("localhost")


async def test_few_threads_serve_many_names() -> None:
    names = SystemNames(timeout_s=60, most=2)
    assert all(await asyncio.gather(*(names.addresses("localhost") for _ in range(20))))


@dataclass
class TlsCamera:
    port: int
    trust: ssl.SSLContext
    fingerprint: str


@pytest.fixture(name="tls_camera")
async def _tls_camera(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = tls.own(tmp_path, ["camera.example"], SystemClock().now())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "edge.pem")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    first = made.bundle[made.bundle.index("-----BEGIN CERTIFICATE") :].split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    proof = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()
    async with server:
        yield TlsCamera(server.sockets[0].getsockname()[1], ssl.create_default_context(cadata=made.anchor), proof)


async def test_the_certificate_must_be_the_names_and_vouched_for(tls_camera: TlsCamera) -> None:
    here = ip_address("127.0.0.1")
    asking = TlsCertificates(tls_camera.trust, timeout_s=60)
    assert await asking.fingerprint(here, tls_camera.port, "camera.example") == tls_camera.fingerprint
    for gateway, name in ((asking, "other.example"), (TlsCertificates(timeout_s=60), "camera.example")):
        with pytest.raises(Unavailable):
            await gateway.fingerprint(here, tls_camera.port, name)


async def test_who_does_not_speak_tls_has_no_certificate() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable):
            await TlsCertificates(timeout_s=0.2).fingerprint(ip_address("127.0.0.1"), port, "camera.example")
    with pytest.raises(Unavailable):
        await TlsCertificates(timeout_s=60).fingerprint(ip_address("127.0.0.1"), port, "camera.example")
