"""Who is calling: the short tokens and tickets that identity signs; and the tokens of outside providers, which identity exchanges for ours.

`tokens` signs and verifies, `issuers` verifies what others signed (the only modules that import python-jose), `known` keeps the copies of
keys and revocations from the state Redis, `access` is what a route declares.
"""

from chassis.auth.access import authenticate, requires
from chassis.auth.issuers import IssuerKey, issuer_claims, read_issuer_header, read_issuer_keys
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
    "IssuerKey",
    "KeyProvider",
    "RedisKeys",
    "RedisRevocations",
    "RevocationList",
    "TicketClaims",
    "TokenSigner",
    "authenticate",
    "issuer_claims",
    "public_jwk",
    "read_issuer_header",
    "read_issuer_keys",
    "requires",
]
