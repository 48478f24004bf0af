"""Access tokens and tickets: RS256 JWTs that identity signs. The algorithm is pinned; `crit` and headers that bring a key are refused.

Times are compared with the given clock, not with the library's. Every refusal but "expired" and "revoked" has the same answer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jose import jwk, jws
from jose.backends.base import Key
from jose.exceptions import JOSEError

from chassis import metrics
from gtvision.errors import Forbidden, SessionRevoked, TokenExpired, Unauthenticated, Unavailable
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import Clock

ISSUER: Final = "gtvision"
AUDIENCE: Final = "gtvision"
TICKET_AUDIENCE: Final = "gtvision-ticket"
ACCESS_TYPE: Final = "at+jwt"
TICKET_TYPE: Final = "ticket+jwt"
ALGORITHM: Final = "RS256"
MIN_RSA_BITS: Final = 3072
ACCESS_LIFETIME_S: Final = 15 * 60
TICKET_LIFETIME_S: Final = 60
_LEEWAY_S = 5
"""For clocks that differ a little; for `nbf` and `iat` only, never for `exp`."""
_MAX_TOKEN_BYTES = 8_192
_CACHE_SIZE = 10_000
_CACHE_S = 60.0
_MAX_SPENT = 100_000
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADER_FIELDS = frozenset({"alg", "typ", "kid"})


class TicketSpent(Unauthenticated):
    """The ticket was used already."""


class KeyProvider(Protocol):
    """Public keys by their id: `chassis.auth.RedisKeys`, `chassis.fakes.StaticKeys`."""

    def find(self, kid: str) -> Key | None:
        """Returns the key, if it is known. Raises: Unavailable when no keys were ever seen."""
        ...

    async def refresh(self) -> None:
        """Looks again, unless that was just done. Never raises."""
        ...

    @property
    def generation(self) -> int:
        """Changes whenever the keys do."""
        ...


class RevocationList(Protocol):
    """Sessions that ended before their tokens: `chassis.auth.RedisRevocations`, `chassis.fakes.StaticRevocations`."""

    def is_revoked(self, session_id: UUID) -> bool:
        """Raises: Unavailable when no list was ever seen."""
        ...


class _Claims(msgspec.Struct, forbid_unknown_fields=False):
    """The claims of a token or ticket. One that is missing or of another type is a refusal."""

    iss: str
    aud: str
    sub: UUID
    tenant: UUID
    role: Role
    scopes: list[str]
    sid: UUID
    jti: UUID
    iat: int
    nbf: int
    exp: int
    groups: list[UUID] | None = None
    purpose: str | None = None
    camera: UUID | None = None
    declared: str | None = None


_claims_decoder = msgspec.json.Decoder(_Claims)


@dataclass(frozen=True, slots=True)
class TicketClaims:
    """What a redeemed ticket allows: one purpose, for one camera where the ticket names one."""

    caller: Caller
    purpose: str
    camera_id: UUID | None
    jti: UUID
    declared_purpose: str | None = None
    """Code of `X-Purpose` in the request for the ticket: what the caller wants to see the camera for."""


class Authenticator:
    """Finds the bearer of a token. Verified tokens are remembered for a minute; their end and revocation are checked each time."""

    def __init__(self, keys: KeyProvider, revocations: RevocationList, clock: Clock) -> None:
        self._keys = keys
        self._revocations = revocations
        self._clock = clock
        self._cache: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._cache_generation = keys.generation
        self._spent: OrderedDict[UUID, float] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """Returns the bearer of an access token. Raises: Unauthenticated, TokenExpired, SessionRevoked, Unavailable."""
        try:
            caller = await self._verify_cached(token)
            self._check_alive(caller.expires_at, caller.session_id)
        except Unauthenticated as error:
            metrics.AUTH_TOKENS.labels(error.code).inc()
            raise
        return caller

    async def redeem(self, ticket: str, purpose: str, *, single_use: bool = True) -> TicketClaims:
        """Returns what a ticket allows, and spends it. Raises: as `verify`, TicketSpent, and Forbidden for another purpose.

        Spent tickets are remembered by this process only: one process redeems the tickets of one purpose.
        """
        claims = await self._verified(ticket, TICKET_TYPE, TICKET_AUDIENCE)
        self._check_alive(claims.exp, claims.sid)
        if claims.purpose is None:
            raise Unauthenticated
        if claims.purpose != purpose:
            raise Forbidden("The ticket is for something else.")
        found = _ticket(claims)
        if single_use:
            self.spend(found)
        return found

    def spend(self, claims: TicketClaims) -> None:
        """Spends a ticket that was redeemed with `single_use=False`. Raises: TicketSpent."""
        now = self._clock.now().timestamp()
        while self._spent and (next(iter(self._spent.values())) <= now or len(self._spent) >= _MAX_SPENT):
            self._spent.popitem(last=False)
        if claims.jti in self._spent:
            raise TicketSpent
        self._spent[claims.jti] = claims.caller.expires_at

    async def whose(self, ticket: str, *, admitted: bool = False) -> TicketClaims | None:
        """Returns the claims of a genuine ticket, also of one that is spent, expired or revoked; else None.

        `admitted` says that the ticket was redeemed before: where its key has retired since, it is believed without its signature.
        """
        try:
            claims = await self._verified(ticket, TICKET_TYPE, TICKET_AUDIENCE, admitted=admitted)
        except (Unauthenticated, Unavailable):
            return None
        return _ticket(claims)

    async def _verify_cached(self, token: str) -> Caller:
        if self._cache_generation != self._keys.generation:
            self._cache.clear()
            self._cache_generation = self._keys.generation
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        found = self._cache.get(digest)
        if found is not None and self._clock.monotonic() < found[1]:
            return found[0]
        claims = await self._verified(token, ACCESS_TYPE, AUDIENCE)
        caller = _caller(claims)
        self._cache[digest] = (caller, self._clock.monotonic() + _CACHE_S)
        if len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)
        return caller

    async def _verified(self, token: str, kind: str, audience: str, *, admitted: bool = False) -> _Claims:
        if len(token) > _MAX_TOKEN_BYTES or COMPACT.fullmatch(token) is None:
            raise Unauthenticated  # Python's base64 skips strange characters: one token would have many spellings
        kid = _kid(token, kind)
        key = self._keys.find(kid)
        if key is None:
            await self._keys.refresh()
            key = self._keys.find(kid)
        if key is None and not admitted:
            raise Unauthenticated
        try:
            payload = jws.get_unverified_claims(token) if key is None else jws.verify(token, key, [ALGORITHM])
            claims = _claims_decoder.decode(payload)
        except (JOSEError, msgspec.MsgspecError, ValueError, TypeError) as error:
            raise Unauthenticated from error
        latest = self._clock.now().timestamp() + _LEEWAY_S
        if claims.iss != ISSUER or claims.aud != audience or claims.nbf > latest or claims.iat > latest or claims.exp <= claims.iat:
            raise Unauthenticated
        return claims

    def _check_alive(self, expires_at: float, session_id: UUID) -> None:
        if expires_at <= self._clock.now().timestamp():
            raise TokenExpired
        if self._revocations.is_revoked(session_id):
            raise SessionRevoked


def _kid(token: str, kind: str) -> str:
    """Returns the key's id from a header that holds exactly `alg`, `typ` and `kid`, the first two as pinned. Raises: Unauthenticated."""
    head = token.partition(".")[0]
    try:
        header = msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)), type=dict[str, str])
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        raise Unauthenticated from error
    # jku, jwk, x5u, x5c bring a key along; crit asks for rules that are not implemented.
    if header.keys() != _HEADER_FIELDS or header["alg"] != ALGORITHM or header["typ"] != kind or not header["kid"]:
        raise Unauthenticated
    return header["kid"]


def _caller(claims: _Claims) -> Caller:
    return Caller(
        tenant_id=claims.tenant,
        user_id=claims.sub,
        role=claims.role,
        scopes=frozenset(claims.scopes),
        session_id=claims.sid,
        camera_groups=None if claims.groups is None else frozenset(claims.groups),
        expires_at=claims.exp,
        issued_at=claims.iat,
    )


def _ticket(claims: _Claims) -> TicketClaims:
    return TicketClaims(_caller(claims), claims.purpose or "", claims.camera, claims.jti, claims.declared)


class TokenSigner:
    """Makes tokens and tickets with one private key, in identity and in tests."""

    def __init__(self, private_key: str | RSAPrivateKey, kid: str, clock: Clock) -> None:
        """`private_key`: PEM, or loaded already (loading checks the key, which is slow)."""
        self.kid = kid
        self._private = load_private_key(private_key) if isinstance(private_key, str) else private_key
        self._key = jwk.construct(cast("Any", self._private), ALGORITHM)  # the stubs know no key objects
        self._clock = clock

    def access_token(self, caller: Caller, *, lifetime_s: int = ACCESS_LIFETIME_S) -> str:
        """Returns a token for the API. The lifetime counts from now, whatever `caller.expires_at` says."""
        return self._sign(ACCESS_TYPE, self._claims(caller, AUDIENCE, lifetime_s))

    def ticket(
        self,
        caller: Caller,
        purpose: str,
        camera_id: UUID | None = None,
        *,
        declared_purpose: str | None = None,
        lifetime_s: int = TICKET_LIFETIME_S,
    ) -> str:
        """Returns a ticket for one purpose. The end of the caller's session ends it too."""
        claims = self._claims(caller, TICKET_AUDIENCE, lifetime_s)
        claims["purpose"] = purpose
        if camera_id is not None:
            claims["camera"] = str(camera_id)
        if declared_purpose is not None:
            claims["declared"] = declared_purpose
        return self._sign(TICKET_TYPE, claims)

    def jwk(self) -> dict[str, str]:
        """Returns the public half, for the JWKS."""
        return _jwk(self._private, self.kid)

    def _claims(self, caller: Caller, audience: str, lifetime_s: int) -> dict[str, Any]:
        now = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": audience,
            "sub": str(caller.user_id),
            "tenant": str(caller.tenant_id),
            "role": str(caller.role),
            "scopes": sorted(caller.scopes),
            "sid": str(caller.session_id),
            "jti": str(new_id()),
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_s,
        }
        if caller.camera_groups is not None:
            claims["groups"] = sorted(str(group) for group in caller.camera_groups)
        return claims

    def _sign(self, kind: str, claims: dict[str, Any]) -> str:
        return str(jws.sign(claims, self._key, headers={"kid": self.kid, "typ": kind}, algorithm=ALGORITHM))


def public_jwk(private_key_pem: str, kid: str) -> dict[str, str]:
    """Returns the public half of an RSA key in PEM, as a JWK."""
    return _jwk(load_private_key(private_key_pem), kid)


def load_private_key(pem: str) -> RSAPrivateKey:
    """Raises: ValueError for anything but an RSA key of at least MIN_RSA_BITS."""
    private = load_pem_private_key(pem.encode(), None)
    if not isinstance(private, RSAPrivateKey) or private.key_size < MIN_RSA_BITS:
        raise ValueError(f"tokens are signed with an RSA key of at least {MIN_RSA_BITS} bits")
    return private


def _jwk(private: RSAPrivateKey, kid: str) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    return {"kty": "RSA", "use": "sig", "alg": ALGORITHM, "kid": kid, "n": _number(numbers.n), "e": _number(numbers.e)}


def read_jwks(text: bytes) -> dict[str, Key]:
    """Returns the usable keys of a JWKS; others are skipped. Raises: ValueError when the text is no JWKS."""
    found = msgspec.json.decode(text, type=dict[str, Any]).get("keys")
    if not isinstance(found, list):
        raise ValueError("not a JWKS")
    keys: dict[str, Key] = {}
    for item in found:
        if isinstance(item, dict) and _usable(item):
            keys[item["kid"]] = jwk.construct({name: item[name] for name in ("kty", "n", "e")}, ALGORITHM)
    return keys


def _usable(item: dict[str, Any]) -> bool:
    kid, modulus = item.get("kid"), item.get("n")
    return (
        item.get("kty") == "RSA"
        and item.get("alg", ALGORITHM) == ALGORITHM
        and item.get("use", "sig") == "sig"
        and isinstance(kid, str)
        and kid != ""
        and isinstance(modulus, str)
        and isinstance(item.get("e"), str)
        and len(modulus) * 6 >= MIN_RSA_BITS
    )


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
