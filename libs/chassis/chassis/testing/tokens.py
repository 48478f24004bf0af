"""Valid tokens and tickets for tests, signed with a key of their own, and the Redis keys that make services believe them."""

from __future__ import annotations

import base64
import functools
import json
import os
from collections.abc import Iterable
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose.backends.base import Key
from redis.asyncio import Redis

from chassis.auth import EPOCH_KEY, JWKS_KEY, KEYS_CHANNEL, REVOCATIONS_CHANNEL, REVOKED_KEY, Authenticator, TokenSigner
from chassis.auth.tokens import load_private_key, read_jwks
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Role, Scope
from gtvision.time import Clock, SystemClock


@functools.cache
def private_key_pem(_name: str = "first") -> str:
    """An RSA key of 3072 bits in PEM; made once a process for each name."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@functools.cache
def _private_key(name: str) -> rsa.RSAPrivateKey:
    return load_private_key(private_key_pem(name))


class StaticKeys:
    """Keys that are simply there; the fake of `KeyProvider`."""

    def __init__(self, jwks: dict[str, object]) -> None:
        self.keys: dict[str, Key] = read_jwks(json.dumps(jwks).encode())
        self.generation = 1
        self.refreshes = 0

    def find(self, kid: str) -> Key | None:
        """The key, if it is there."""
        return self.keys.get(kid)

    async def refresh(self) -> None:
        """Counts."""
        self.refreshes += 1


class StaticRevocations:
    """Sessions that a test revoked; the fake of `RevocationList`."""

    def __init__(self) -> None:
        self.revoked: set[UUID] = set()

    def is_revoked(self, session_id: UUID) -> bool:
        """Whether the test revoked it."""
        return session_id in self.revoked


class TokenMint:
    """Makes tokens as identity does.

    `mint.authenticator()` needs no Redis; `await mint.publish(redis)` makes real processes accept the tokens.
    """

    def __init__(self, clock: Clock | None = None, kid: str = "test-1") -> None:
        self.clock = clock or SystemClock()
        self.signer = TokenSigner(_private_key(kid), kid, self.clock)
        self.tenant_id = new_id()
        self.revocations = StaticRevocations()

    def caller(
        self,
        role: Role = Role.ADMIN,
        *,
        tenant_id: UUID | None = None,
        scopes: Iterable[Scope] | None = None,
        groups: Iterable[UUID] | None = None,
        session_id: UUID | None = None,
    ) -> Caller:
        """Somebody: of the mint's tenant and with the role's scopes, unless said otherwise."""
        return Caller(
            tenant_id=tenant_id or self.tenant_id,
            user_id=new_id(),
            role=role,
            scopes=frozenset(str(scope) for scope in (ROLE_SCOPES[role] if scopes is None else scopes)),
            session_id=session_id or new_id(),
            camera_groups=None if groups is None else frozenset(groups),
        )

    def token(self, caller: Caller | None = None, *, lifetime_s: int = 900) -> str:
        """An access token; for an administrator, unless said otherwise."""
        return self.signer.access_token(caller or self.caller(), lifetime_s=lifetime_s)

    def ticket(self, purpose: str, caller: Caller | None = None, camera_id: UUID | None = None, *, lifetime_s: int = 60) -> str:
        """A ticket."""
        return self.signer.ticket(caller or self.caller(), purpose, camera_id, lifetime_s=lifetime_s)

    def headers(self, caller: Caller | None = None) -> dict[str, str]:
        """The Authorization header of a request."""
        return {"authorization": f"Bearer {self.token(caller)}"}

    @property
    def jwks(self) -> dict[str, object]:
        """The key set that identity would publish."""
        return {"keys": [self.signer.jwk()]}

    def authenticator(self) -> Authenticator:
        """One that accepts this mint's tokens, without any Redis; revoke by `mint.revocations.revoked.add(sid)`."""
        return Authenticator(StaticKeys(self.jwks), self.revocations, self.clock)

    async def publish(self, redis_state: Redis) -> None:
        """Put the key set and an epoch into the state Redis, the epoch last, as identity does."""
        await redis_state.set(JWKS_KEY, json.dumps(self.jwks))
        await redis_state.set(EPOCH_KEY, str(new_id()))
        await redis_state.publish(KEYS_CHANNEL, "changed")

    async def revoke(self, redis_state: Redis, session_id: UUID, ends_at: float | None = None) -> None:
        """End a session, here and in the state Redis."""
        self.revocations.revoked.add(session_id)
        end = self.clock.now().timestamp() + 900 if ends_at is None else ends_at
        await redis_state.hset(REVOKED_KEY, str(session_id), str(int(end)))
        await redis_state.publish(REVOCATIONS_CHANNEL, str(session_id))


def encryption_keys() -> str:
    """A fresh ENCRYPTION_KEYS."""
    return "test:" + base64.b64encode(os.urandom(32)).decode()
