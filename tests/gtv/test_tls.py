"""Tests of the edge's certificate: made, kept, renewed, or given by the operator."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gtv import tls
from gtv.failures import BadCertificate
from gtvision.time import SystemClock

NOW = SystemClock().now()
HOSTS = tls.names("0.0.0.0", "gtv.example")


def _leaf(certificate: tls.Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.bundle.encode())


def test_names_what_the_edge_is_reached_by_and_lives_as_long_as_browsers_allow(tmp_path: Path) -> None:
    leaf = _leaf(tls.own(tmp_path, HOSTS, NOW))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "gtv.example"} < set(names.get_values_for_type(x509.DNSName))
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=397)
    key = leaf.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_keys_are_for_their_owner_only_and_the_authority_for_everybody(tmp_path: Path) -> None:
    tls.own(tmp_path, HOSTS, NOW)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("ca.key", "edge.pem", "ca.crt")] == [0o600, 0o600, 0o644]


def test_is_kept_until_its_end_is_near_or_its_names_change(tmp_path: Path) -> None:
    first = tls.own(tmp_path, HOSTS, NOW)
    assert tls.own(tmp_path, HOSTS, NOW + timedelta(days=300)).bundle == first.bundle
    renewed = tls.own(tmp_path, HOSTS, NOW + timedelta(days=380))
    assert renewed.bundle != first.bundle
    assert renewed.anchor == first.anchor
    moved = tls.own(tmp_path, (*HOSTS, "other.example"), NOW + timedelta(days=380))
    assert moved.bundle != renewed.bundle
    late = tls.own(tmp_path, HOSTS, NOW + timedelta(days=3_500))
    assert late.anchor != first.anchor


def test_a_damaged_folder_is_made_anew(tmp_path: Path) -> None:
    first = tls.own(tmp_path, HOSTS, NOW)
    (tmp_path / "edge.pem").write_text("half a certif")
    assert tls.own(tmp_path, HOSTS, NOW).anchor == first.anchor
    (tmp_path / "ca.key").unlink()
    second = tls.own(tmp_path, HOSTS, NOW)
    assert second.anchor != first.anchor
    _leaf(second).verify_directly_issued_by(x509.load_pem_x509_certificate(second.anchor.encode()))


def test_the_key_of_another_authority_signs_nothing(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for folder in (tmp_path, other):
        tls.own(folder, HOSTS, NOW)
    (other / "ca.key").rename(tmp_path / "ca.key")
    made = tls.own(tmp_path, (*HOSTS, "new.example"), NOW)
    _leaf(made).verify_directly_issued_by(x509.load_pem_x509_certificate(made.anchor.encode()))


def test_a_clock_that_ran_ahead_or_is_behind_is_survived(tmp_path: Path) -> None:
    first = tls.own(tmp_path, HOSTS, NOW)
    ahead = tls.own(tmp_path, HOSTS, NOW + timedelta(days=1_000))
    assert ahead.bundle != first.bundle
    back = tls.own(tmp_path, HOSTS, NOW)
    assert _leaf(back).not_valid_before_utc <= NOW
    # the clock of a machine without a battery starts in 1970: the authority is kept, so that clients still trust it
    assert tls.own(tmp_path, HOSTS, NOW - timedelta(days=10_000)) == back
    assert ahead.anchor == back.anchor == first.anchor


def _given(folder: Path, bundle: str, hosts: str = "gtv.example") -> tls.Certificate:
    certificate, key = folder / "own.crt", folder / "own.key"
    at = bundle.index("-----BEGIN PRIVATE")
    certificate.write_text(bundle[:at])
    key.write_text(bundle[at:])
    return tls.given(certificate, key, hosts, NOW)


def test_takes_the_operators_own(tmp_path: Path) -> None:
    bundle = tls.own(tmp_path, HOSTS, NOW).bundle
    assert _given(tmp_path, bundle).bundle == bundle


def test_says_what_is_wrong_with_the_operators_own(tmp_path: Path) -> None:
    bundle = tls.own(tmp_path, HOSTS, NOW).bundle
    with pytest.raises(BadCertificate, match=r"not for city\.example.*GTV_PUBLIC_HOST"):
        _given(tmp_path, bundle, "city.example")
    old = tls.own(tmp_path, (*HOSTS, "x.example"), NOW - timedelta(days=390)).bundle
    _given(tmp_path, old)
    with pytest.raises(BadCertificate, match="has ended"):
        tls.given(tmp_path / "own.crt", tmp_path / "own.key", "gtv.example", NOW + timedelta(days=30))
    with pytest.raises(BadCertificate, match="begins on"):
        tls.given(tmp_path / "own.crt", tmp_path / "own.key", "gtv.example", NOW - timedelta(days=500))
    other = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "own.key").write_bytes(
        other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with pytest.raises(BadCertificate, match="does not belong"):
        tls.given(tmp_path / "own.crt", tmp_path / "own.key", "gtv.example", NOW)
    with pytest.raises(BadCertificate, match="cannot be read"):
        tls.given(tmp_path / "own.key", tmp_path / "own.key", "gtv.example", NOW)


@pytest.mark.parametrize("own", [True, False], ids=["the stack's authority", "the operator's certificate itself"])
async def test_our_own_clients_trust_what_the_edge_serves(tmp_path: Path, own: bool) -> None:
    made = tls.own(tmp_path, HOSTS, NOW)
    served = made if own else _given(tmp_path, made.bundle)
    (tmp_path / "trust.pem").write_text(served.anchor)
    (tmp_path / "served.pem").write_text(served.bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "served.pem")

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        trusting = tls.trusting(tmp_path / "trust.pem")
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="gtv.example")
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", port, ssl=tls.trusting(tmp_path / "missing"), server_hostname="gtv.example")
