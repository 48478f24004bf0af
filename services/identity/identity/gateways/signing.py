"""RSA keys by cryptography, tokens by the one room that knows JOSE."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chassis.auth import TokenSigner, public_jwk
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock

RSA_BITS = 3072


class RsaKeyMaker:
    """`ports.KeyMaker`."""

    async def make(self) -> tuple[str, str, dict[str, str]]:
        return await asyncio.to_thread(_make, str(new_id()))


def _make(kid: str) -> tuple[str, str, dict[str, str]]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return kid, pem, public_jwk(pem, kid)


class JoseTokens:
    """`ports.Tokens`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._signer: TokenSigner | None = None

    def load(self, keys: Sequence[tuple[str, str]]) -> None:
        kid, pem = keys[0]
        if self._signer is None or self._signer.kid != kid:
            self._signer = TokenSigner(pem, kid, self._clock)

    def access_token(self, caller: Caller) -> str:
        return self._newest().access_token(caller)

    def ticket(self, caller: Caller, purpose: str, camera_id: UUID | None = None) -> str:
        return self._newest().ticket(caller, purpose, camera_id)

    def _newest(self) -> TokenSigner:
        if self._signer is None:
            raise Unavailable("There is no signing key yet.")
        return self._signer
