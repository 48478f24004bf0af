"""An attacker's tools: tokens that are put together by hand."""

from __future__ import annotations

import base64
import functools
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from jose import jwk
from jose.backends.base import Key
from tests.fixtures.tokens import TokenMint, private_key_pem

from chassis.auth import TokenSigner
from gtvision.ids import new_id
from gtvision.time import FakeClock


def b64(data: bytes | dict[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@functools.cache
def _signing_key(pem: str) -> Key:
    return jwk.construct(pem, "RS256")


class Forger:
    """An attacker who knows the public key, the format and a valid token."""

    def __init__(self, mint: TokenMint) -> None:
        self.mint = mint
        self.kid = mint.signer.kid
        now = int(mint.clock.now().timestamp())
        ids = {name: str(new_id()) for name in ("sub", "tenant", "sid", "jti")}
        self.claims: dict[str, Any] = {"iss": "gtvision", "aud": "gtvision", "role": "admin", "scopes": ["cameras:read"], **ids}
        self.claims |= {"iat": now, "nbf": now, "exp": now + 900}
        self.header: dict[str, Any] = {"alg": "RS256", "typ": "at+jwt", "kid": self.kid}

    def signed(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Returns a token signed with the true key, with the given header and claims in place of the valid ones."""
        payload = {name: value for name, value in (self.claims | claims).items() if value is not ...}
        return self.raw(self.header if header is None else header, payload, private_key_pem(self.kid))

    def raw(self, header: dict[str, Any], payload: dict[str, Any] | bytes, pem: str) -> str:
        message = f"{b64(header)}.{b64(payload)}"
        signature = _signing_key(pem).sign(message.encode())
        return f"{message}.{b64(signature)}"

    def hmac(self, secret: bytes, algorithm: str = "HS256", name: str = "sha256") -> str:
        message = f"{b64(self.header | {'alg': algorithm})}.{b64(self.claims)}"
        return f"{message}.{b64(hmac.new(secret, message.encode(), name).digest())}"

    @property
    def public_pem(self) -> bytes:
        key = load_pem_private_key(private_key_pem(self.kid).encode(), None, unsafe_skip_rsa_key_validation=True)
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def own_key() -> tuple[str, dict[str, str]]:
    pem = private_key_pem("attacker")
    return pem, TokenSigner(pem, "attacker", FakeClock()).jwk()
