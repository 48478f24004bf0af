"""The edge's certificate: the operator's own, or one of a small authority that lives in the data folder."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gtv.failures import BadCertificate, CertificateEnded
from servers.files import write_private

AUTHORITY_LIFE = timedelta(days=3_650)
LIFE = timedelta(days=397)
"""No browser takes a certificate that lives longer than 398 days."""
RENEW_BEFORE = timedelta(days=30)
_EARLIER = timedelta(hours=1)
"""Valid from a little before now: clocks differ."""
ALWAYS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificate:
    """The bundle that HAProxy serves, and the anchor that gtv's own clients trust."""

    bundle: str
    """PEM: the certificate, intermediate certificates, and its key."""
    anchor: str
    """PEM: the certificate that a client must trust to trust it."""

    def __repr__(self) -> str:
        return "Certificate(…)"


def names(edge_host: str, public_host: str) -> tuple[str, ...]:
    """Under which names the edge is reached, each once."""
    anywhere = ("0.0.0.0", "::", "*", "")  # noqa: S104 - compared with, not listened on
    wanted = (*ALWAYS, socket.gethostname(), edge_host, public_host)
    return tuple(dict.fromkeys(name for name in wanted if name not in anywhere))


def own(folder: Path, hosts: Sequence[str], now: datetime) -> Certificate:
    """A certificate of the folder's authority; both are made where they are missing, and again when they are about to end."""
    authority = _Authority.load_or_make(folder, now)
    known = folder / "edge.pem"
    bundle = known.read_text() if known.exists() else ""
    if not _serves(bundle, hosts, authority.certificate, now):
        bundle = authority.issue(hosts, now)
        write_private(known, bundle)
    return Certificate(bundle, _pem(authority.certificate))


def given(certificate_file: Path, key_file: Path, host: str, now: datetime) -> Certificate:
    """The operator's own. Raises: BadCertificate."""
    try:
        chain = x509.load_pem_x509_certificates(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise BadCertificate(f"The certificate {certificate_file} with the key {key_file} cannot be read: {error}") from None
    leaf = chain[0]
    if key.public_key() != leaf.public_key():
        raise BadCertificate(f"The key {key_file} does not belong to the certificate {certificate_file}.")
    if now >= leaf.not_valid_after_utc:
        raise CertificateEnded(f"The certificate {certificate_file} has ended on {leaf.not_valid_after_utc:%Y-%m-%d}.")
    if now < leaf.not_valid_before_utc:
        raise CertificateEnded(
            f"The certificate {certificate_file} begins on {leaf.not_valid_before_utc:%Y-%m-%d}, and today is {now:%Y-%m-%d}."
        )
    if not _covers(leaf, host):
        raise BadCertificate(
            f"The certificate {certificate_file} is for {', '.join(_names(leaf)) or 'no name'}, not for {host}; "
            "say with GTV_PUBLIC_HOST under which of its names the edge is reached."
        )
    anchor = "".join(map(_pem, chain))
    return Certificate(anchor + _key_pem(key), anchor)


def trusting(file: Path) -> ssl.SSLContext:
    """For gtv's own clients: the system's authorities, and whom the stack named in `file`."""
    context = ssl.create_default_context()
    if file.exists():
        context.load_verify_locations(cafile=file)
        # the operator's certificate itself is trusted, even where its authority is none that this machine knows
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def load_or_make(cls, folder: Path, now: datetime) -> _Authority:
        public, private = folder / "ca.crt", folder / "ca.key"
        try:
            certificate = x509.load_pem_x509_certificate(public.read_bytes())
            key = serialization.load_pem_private_key(private.read_bytes(), None)
            # one that ends before what it signs would refuse in the middle of a year; a crash may have left the key of another
            lasts = certificate.not_valid_after_utc > now + LIFE
            if lasts and isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key():
                return cls(certificate, key)
        except (OSError, ValueError):
            pass
        made = cls._make(now)
        write_private(private, _key_pem(made.key))
        public.write_text(_pem(made.certificate))
        public.chmod(0o644)
        return made

    @classmethod
    def _make(cls, now: datetime) -> _Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"GT-Vision local authority on {socket.gethostname()}"[:64])])
        certificate = (
            _builder(name, name, key.public_key(), now, AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    def issue(self, hosts: Sequence[str], now: datetime) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "GT-Vision edge")])
        certificate = (
            _builder(subject, self.certificate.subject, key.public_key(), now, LIFE)
            .add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _pem(certificate) + _key_pem(key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now - _EARLIER + life)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    # in the order of the X.509 bits
    return x509.KeyUsage(digital_signature, False, False, False, False, key_cert_sign, crl_sign, False, False)


def _serves(bundle: str, hosts: Sequence[str], authority: x509.Certificate, now: datetime) -> bool:
    """Returns whether the certificate that was issued before is still valid for these hosts."""
    try:
        certificate = x509.load_pem_x509_certificate(bundle.encode())
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    # the clock ran ahead when it was made; a clock that is behind the authority itself is wrong now
    early = authority.not_valid_before_utc <= now < certificate.not_valid_before_utc
    right = set(_names(certificate)) == {str(_general(host).value) for host in hosts}
    return right and not early and certificate.not_valid_after_utc > now + RENEW_BEFORE


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*extension.get_values_for_type(x509.DNSName), *map(str, extension.get_values_for_type(x509.IPAddress))]


def _covers(certificate: x509.Certificate, host: str) -> bool:
    wildcard = f"*.{host.partition('.')[2]}"
    return any(name.lower() in {host.lower(), wildcard.lower()} for name in _names(certificate))


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host if host.isascii() else host.encode("idna").decode())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: PrivateKeyTypes) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
