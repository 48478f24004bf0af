"""Who is calling: the short tokens and tickets that identity signs, and nothing else.

`tokens` signs and verifies (the only module that imports python-jose), `known` keeps the copies of keys and revocations from the
state Redis, `access` is what a route declares.
"""

from chassis.auth.access import authenticate, requires
from chassis.auth.known import EPOCH_KEY, JWKS_KEY, KEYS_CHANNEL, REVOCATIONS_CHANNEL, REVOKED_KEY, AuthRuntime, RedisKeys, RedisRevocations
from chassis.auth.tokens import Authenticator, KeyProvider, RevocationList, TicketClaims, TokenSigner, public_jwk

__all__ = [
    "EPOCH_KEY",
    "JWKS_KEY",
    "KEYS_CHANNEL",
    "REVOCATIONS_CHANNEL",
    "REVOKED_KEY",
    "AuthRuntime",
    "Authenticator",
    "KeyProvider",
    "RedisKeys",
    "RedisRevocations",
    "RevocationList",
    "TicketClaims",
    "TokenSigner",
    "authenticate",
    "public_jwk",
    "requires",
]
