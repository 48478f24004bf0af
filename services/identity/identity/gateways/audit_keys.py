"""The ledger's keys by cryptography: one secret a key id, from which the MAC key and the signing key are derived."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


class InvalidAuditKeys(ValueError):
    """AUDIT_KEYS must read `kid:base64(32 bytes)[,kid:...]`, each id once."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class HmacAuditKeys:
    """The keys that are not in the database. The first makes MACs and signatures, all check them."""

    def __init__(self, keys: SecretStr) -> None:
        """`keys` as in AUDIT_KEYS. Raises: InvalidAuditKeys."""
        self._macs: dict[str, bytes] = {}
        self._signers: dict[str, Ed25519PrivateKey] = {}
        for item in keys.get_secret_value().split(","):
            kid, secret = _read(item.strip())
            if kid in self._macs:
                raise InvalidAuditKeys
            self._macs[kid] = _derived(secret, b"gtvision audit mac v1")
            self._signers[kid] = Ed25519PrivateKey.from_private_bytes(_derived(secret, b"gtvision audit anchor v1"))
        self.kid = next(iter(self._macs))

    def mac(self, chain_hash: str) -> tuple[str, str]:
        """(id of the key, MAC in hex)."""
        return self.kid, hmac.digest(self._macs[self.kid], bytes.fromhex(chain_hash), "sha256").hex()

    def mac_is_right(self, kid: str, chain_hash: str, mac: str) -> bool | None:
        """None where the key is not known."""
        if kid not in self._macs:
            return None
        try:
            return hmac.compare_digest(hmac.digest(self._macs[kid], bytes.fromhex(chain_hash), "sha256"), bytes.fromhex(mac))
        except ValueError:
            return False

    def sign(self, message: bytes) -> str:
        """Ed25519, in hex."""
        return self._signers[self.kid].sign(message).hex()

    def signature_is_right(self, kid: str, message: bytes, signature: str) -> bool:
        """False also where the key is not known."""
        if kid not in self._signers:
            return False
        try:
            self._signers[kid].public_key().verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def public_key(self, kid: str) -> str | None:
        """In hex; None where the key is not known."""
        signer = self._signers.get(kid)
        return signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex() if signer else None

    def public_keys(self) -> Mapping[str, str]:
        """Id of the key -> Ed25519 public key in hex."""
        return {kid: self.public_key(kid) or "" for kid in self._signers}


def _derived(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)


def _read(item: str) -> tuple[str, bytes]:
    kid, _, encoded = item.partition(":")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise InvalidAuditKeys from None
    if len(raw) != 32 or _KEY_ID.fullmatch(kid) is None:
        raise InvalidAuditKeys
    return kid, raw
