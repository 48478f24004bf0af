"""Secrets at rest, such as camera passwords: AES-256-GCM under a key that its id names, so that keys can be rotated.

A sealed text is `v1.<key id>.<base64url of nonce + ciphertext + tag>`. The context (associated data) binds it to its place: a
camera's URL that is copied to another tenant's row cannot be decrypted.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from chassis.settings import VaultSettings
from gtvision.errors import GTVisionError

_VERSION: Final = "v1"
_NONCE_BYTES: Final = 12
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Unsealable(GTVisionError):
    """The sealed text was changed, belongs elsewhere, or its key is gone."""

    code = "unsealable"


class InvalidKeys(ValueError):
    """Encryption keys must read `kid:base64(32 bytes)[,kid:...]`, each id once."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Vault:
    """Seals with the first key, opens with every key."""

    def __init__(self, keys: VaultSettings | SecretStr | str) -> None:
        """`keys` as in ENCRYPTION_KEYS. Raises: InvalidKeys."""
        secret = keys.keys if isinstance(keys, VaultSettings) else keys
        text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        self._keys: dict[str, AESGCM] = {}
        for item in text.split(","):
            kid, key = _read_key(item.strip())
            if kid in self._keys:
                raise InvalidKeys
            self._keys[kid] = key
        self.current_key_id = next(iter(self._keys))

    def seal(self, text: str, context: str = "") -> str:
        """Encrypt; every call gives another text."""
        head = f"{_VERSION}.{self.current_key_id}"
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self.current_key_id].encrypt(nonce, text.encode(), _associated(head, context))
        return f"{head}.{_encoded(nonce + sealed)}"

    def open(self, sealed: str, context: str = "") -> str:
        """Decrypt what was sealed with the same context. Raises: Unsealable."""
        try:
            version, kid, body = sealed.split(".")
            raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
            if version != _VERSION or _encoded(raw) != body:  # one sealed text has one spelling
                raise Unsealable
            plain = self._keys[kid].decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _associated(f"{version}.{kid}", context))
            return plain.decode()
        except (ValueError, KeyError, InvalidTag, binascii.Error) as error:
            raise Unsealable from error


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read_key(item: str) -> tuple[str, AESGCM]:
    kid, _, encoded = item.partition(":")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise InvalidKeys from None
    if len(raw) != 32 or _KEY_ID.fullmatch(kid) is None:
        raise InvalidKeys
    return kid, AESGCM(raw)


def _associated(head: str, context: str) -> bytes:
    return f"{head}\x1f{context}".encode()
