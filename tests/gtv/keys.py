"""Key sets as identity publishes them."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa


def _text(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


@cache
def numbers(bits: int, which: int) -> rsa.RSAPublicNumbers:
    """Returns the public numbers of a new RSA key."""
    return rsa.generate_private_key(65_537, bits).public_key().public_numbers()


def jwk(kid: str, bits: int = 3_072, which: int = 0) -> dict[str, Any]:
    """Returns one public key as a JWK."""
    found = numbers(bits, which)
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": _text(found.n), "e": _text(found.e)}
