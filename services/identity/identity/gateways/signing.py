"""RSA keys by cryptography, tokens by `chassis.auth`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chassis.auth import TokenSigner, public_jwk
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock
from identity.keys.domain import ACCESS_LIFETIME, OpenedKey

RSA_BITS = 3072


class RsaKeyMaker:
    """Makes signing keys."""

    async def make(self) -> tuple[str, str, dict[str, str]]:
        """Returns key id, private PEM and public JWK. It takes a second, in a thread."""
        return await asyncio.to_thread(_make, str(new_id()))


def _make(kid: str) -> tuple[str, str, dict[str, str]]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return kid, pem, public_jwk(pem, kid)


class JoseTokens:
    """Signs with the newest key that may sign already. Raises Unavailable where there is no key yet."""

    def __init__(self, clock: Clock, keys: Sequence[OpenedKey] = ()) -> None:
        self._clock = clock
        self._signers: list[tuple[datetime, TokenSigner]] = [(key.activates_at, self._signer(key)) for key in keys]

    @property
    def can_sign(self) -> bool:
        return bool(self._signers)

    async def load(self, keys: Sequence[OpenedKey]) -> None:
        known = {signer.kid: signer for _, signer in self._signers}
        # checking a key takes a tenth of a second, and is done once for each
        fresh = {key.kid: await asyncio.to_thread(self._signer, key) for key in keys if key.kid not in known}
        self._signers = [(key.activates_at, known.get(key.kid) or fresh[key.kid]) for key in keys]

    def access_token(self, caller: Caller, lifetime: timedelta = ACCESS_LIFETIME) -> str:
        return self._now().access_token(caller, lifetime_s=int(lifetime.total_seconds()))

    def ticket(self, caller: Caller, purpose: str, camera_id: UUID | None = None, declared_purpose: str | None = None) -> str:
        return self._now().ticket(caller, purpose, camera_id, declared_purpose=declared_purpose)

    def _signer(self, key: OpenedKey) -> TokenSigner:
        return TokenSigner(key.private_pem, key.kid, self._clock)

    def _now(self) -> TokenSigner:
        now = self._clock.now()
        for activates_at, signer in self._signers:
            if activates_at <= now:
                return signer
        if not self._signers:
            raise Unavailable("There is no signing key yet.")
        return self._signers[-1][1]  # as `keys.domain.signs`
