"""Tests that forged tokens are refused, all with the same answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.chassis.forging import Forger, b64, own_key
from tests.fixtures.tokens import TokenMint, private_key_pem

from gtvision.errors import TokenExpired, Unauthenticated
from gtvision.time import FakeClock


@pytest.fixture
def mint() -> TokenMint:
    return TokenMint(FakeClock())


def _without_signature(forger: Forger) -> str:
    return forger.signed().rsplit(".", 1)[0] + "."


def _tampered_payload(forger: Forger) -> str:
    head, _, signature = forger.signed().split(".")
    return f"{head}.{b64(forger.claims | {'role': 'platform_admin'})}.{signature}"


def _flipped_signature(forger: Forger) -> str:
    head, body, signature = forger.signed().split(".")
    return f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def _weak_key(forger: Forger) -> str:
    pem = rsa.generate_private_key(public_exponent=65537, key_size=1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return forger.raw(forger.header, forger.claims, pem.decode())


def _spelled_otherwise(forger: Forger, part: int) -> str:
    """Returns a valid token with unused bits of a base64 part set: accepting it would give one token many spellings."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    tokens = (forger.signed(filler="x" * length).split(".") for length in range(3))
    parts = next(each for each in tokens if len(each[part]) % 4)  # only such a part has unused bits
    parts[part] = parts[part][:-1] + alphabet[alphabet.index(parts[part][-1]) + 1]
    return ".".join(parts)


FORGERIES: dict[str, Callable[[Forger], str]] = {
    # the algorithm
    "alg none, no signature": lambda f: f"{b64(f.header | {'alg': 'none'})}.{b64(f.claims)}.",
    "alg None, old signature": lambda f: f"{b64(f.header | {'alg': 'None'})}.{b64(f.claims)}.{f.signed().rsplit('.', 1)[1]}",
    "alg none in capitals": lambda f: f"{b64(f.header | {'alg': 'NONE'})}.{b64(f.claims)}.AA",
    "alg missing": lambda f: f.signed({"typ": "at+jwt", "kid": f.kid}),
    "alg null": lambda f: f.signed(f.header | {"alg": None}),
    "alg a list": lambda f: f.signed(f.header | {"alg": ["RS256"]}),
    "HS256 with the public key": lambda f: f.hmac(f.public_pem),
    "HS256 with the public key, trimmed": lambda f: f.hmac(f.public_pem.strip()),
    "HS256 with the JWK": lambda f: f.hmac(json.dumps(f.mint.signer.jwk()).encode()),
    "HS256 with the key id": lambda f: f.hmac(f.kid.encode()),
    "HS256 with nothing": lambda f: f.hmac(b""),
    "HS512 with the public key": lambda f: f.hmac(f.public_pem, "HS512", "sha512"),
    "HS256 signature under RS256": lambda f: f"{b64(f.header)}.{b64(f.claims)}.{f.hmac(f.public_pem).rsplit('.', 1)[1]}",
    "RS512 header": lambda f: f.signed(f.header | {"alg": "RS512"}),
    "PS256 header": lambda f: f.signed(f.header | {"alg": "PS256"}),
    "ES256 header": lambda f: f.signed(f.header | {"alg": "ES256"}),
    "EdDSA header": lambda f: f.signed(f.header | {"alg": "EdDSA"}),
    "HS384 with the public key": lambda f: f.hmac(f.public_pem, "HS384", "sha384"),
    "alg in small letters": lambda f: f.signed(f.header | {"alg": "rs256"}),
    # the key
    "another key, our kid": lambda f: f.raw(f.header, f.claims, own_key()[0]),
    "a weak key, our kid": _weak_key,
    "jwk injected": lambda f: f.raw(f.header | {"jwk": own_key()[1]}, f.claims, own_key()[0]),
    "jku injected": lambda f: f.raw(f.header | {"jku": "https://evil.example/jwks.json"}, f.claims, own_key()[0]),
    "x5u injected": lambda f: f.raw(f.header | {"x5u": "https://evil.example/chain.pem"}, f.claims, own_key()[0]),
    "x5c injected": lambda f: f.raw(f.header | {"x5c": ["AAAA"]}, f.claims, own_key()[0]),
    "jku beside a true signature": lambda f: f.signed(f.header | {"jku": "https://evil.example/jwks.json"}),
    "kid unknown": lambda f: f.signed(f.header | {"kid": "unknown"}),
    "kid missing": lambda f: f.signed({"alg": "RS256", "typ": "at+jwt"}),
    "kid empty": lambda f: f.signed(f.header | {"kid": ""}),
    "kid null": lambda f: f.signed(f.header | {"kid": None}),
    "kid a number": lambda f: f.signed(f.header | {"kid": 1}),
    "kid a path": lambda f: f.raw(f.header | {"kid": "../../../dev/null"}, f.claims, own_key()[0]),
    "kid with SQL": lambda f: f.raw(f.header | {"kid": "x' UNION SELECT 'key"}, f.claims, own_key()[0]),
    "kid an address": lambda f: f.raw(f.header | {"kid": "https://evil.example/key.pem"}, f.claims, own_key()[0]),
    "kid a list": lambda f: f.signed(f.header | {"kid": [f.kid]}),
    "kid in capitals": lambda f: f.signed(f.header | {"kid": f.kid.upper()}),
    "x5t injected": lambda f: f.signed(f.header | {"x5t": "AAAA"}),
    "kid with NUL": lambda f: f.signed(f.header | {"kid": f.kid + "\x00"}),
    # the header
    "crit unknown": lambda f: f.signed(f.header | {"crit": ["exp"]}),
    "crit empty": lambda f: f.signed(f.header | {"crit": []}),
    "crit b64": lambda f: f.signed(f.header | {"crit": ["b64"], "b64": False}),
    "compressed": lambda f: f.signed(f.header | {"zip": "DEF"}),
    "typ JWT": lambda f: f.signed(f.header | {"typ": "JWT"}),
    "typ missing": lambda f: f.signed({"alg": "RS256", "kid": f.kid}),
    "typ of a ticket": lambda f: f.signed(f.header | {"typ": "ticket+jwt"}),
    "a ticket": lambda f: f.mint.ticket("ws"),
    # the claims
    "wrong issuer": lambda f: f.signed(iss="https://accounts.example"),
    "issuer missing": lambda f: f.signed(iss=...),
    "wrong audience": lambda f: f.signed(aud="account"),
    "audience of a ticket": lambda f: f.signed(aud="gtvision-ticket"),
    "audience a list": lambda f: f.signed(aud=["gtvision", "account"]),
    "audience missing": lambda f: f.signed(aud=...),
    "not yet valid": lambda f: f.signed(nbf=f.claims["nbf"] + 60),
    "issued in the future": lambda f: f.signed(iat=f.claims["iat"] + 60),
    "ends before it begins": lambda f: f.signed(exp=f.claims["iat"]),
    "expired": lambda f: f.signed(iat=1, nbf=1, exp=f.claims["iat"] - 1),
    "expired this moment": lambda f: f.signed(iat=1, nbf=1, exp=f.claims["iat"]),
    "exp missing": lambda f: f.signed(exp=...),
    "exp null": lambda f: f.signed(exp=None),
    "exp a text": lambda f: f.signed(exp="9999999999"),
    "exp infinite": lambda f: f.raw(f.header, json.dumps(f.claims | {"exp": float("inf")}).encode(), private_key_pem(f.kid)),
    "nbf missing": lambda f: f.signed(nbf=...),
    "iat missing": lambda f: f.signed(iat=...),
    "sub missing": lambda f: f.signed(sub=...),
    "sub no id": lambda f: f.signed(sub="admin"),
    "tenant missing": lambda f: f.signed(tenant=...),
    "tenant a list": lambda f: f.signed(tenant=[f.claims["tenant"]]),
    "sid missing": lambda f: f.signed(sid=...),
    "jti missing": lambda f: f.signed(jti=...),
    "role unknown": lambda f: f.signed(role="root"),
    "scopes a text": lambda f: f.signed(scopes="cameras:read cameras:write"),
    "scopes missing": lambda f: f.signed(scopes=...),
    "groups a text": lambda f: f.signed(groups="all"),
    # the form
    "no signature": _without_signature,
    "payload exchanged": _tampered_payload,
    "signature flipped": _flipped_signature,
    "an opaque refresh token": lambda _: "gtr_" + hashlib.sha256(b"x").hexdigest(),
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "two parts": lambda f: f.signed().rsplit(".", 1)[0],
    "four parts": lambda f: f.signed() + ".AA",
    "five parts, as JWE": lambda f: "a.b.c.d.e",
    "header no base64": lambda f: "?" + f.signed()[1:],
    "header no JSON": lambda f: f"{b64(b'x')}.{b64(f.claims)}.AA",
    "header a list": lambda f: f"{b64(b'[]')}.{b64(f.claims)}.AA",
    "payload no JSON": lambda f: f.raw(f.header, b"x", private_key_pem(f.kid)),
    "payload a list": lambda f: f.raw(f.header, b"[]", private_key_pem(f.kid)),
    "trailing space": lambda f: f.signed() + " ",
    "not ASCII": lambda f: f.signed() + "é",
    "payload for a signature": lambda f: ".".join([*f.signed().split(".")[:2], f.signed().split(".")[1]]),
    "header for a payload": lambda f: ".".join([f.signed().split(".")[0]] * 2 + f.signed().split(".")[2:]),
    "signature twice": lambda f: f.signed() + "." + f.signed().split(".")[2],
    "signature of another token": lambda f: f"{f.signed().rsplit('.', 1)[0]}.{f.signed(jti=f.claims['sid']).rsplit('.', 1)[1]}",
    "signature of zeros": lambda f: f"{f.signed().rsplit('.', 1)[0]}.{'A' * 512}",
    "signature with padding": lambda f: f.signed() + "==",
    "signature with a line break": lambda f: f.signed() + "\n",
    "signature in the other base64": lambda f: f.signed().replace("-", "+").replace("_", "/"),
    "header spelled otherwise": lambda f: _spelled_otherwise(f, 0),
    "payload spelled otherwise": lambda f: _spelled_otherwise(f, 1),
    "huge header": lambda f: f.signed(f.header | {"kid": "x" * 9_000}),
    "huge": lambda f: f.signed(scopes=["x" * 9_000]),
}


QUALITY = {
    *("alg none, no signature", "HS256 with the public key", "jku injected", "jwk injected", "x5c injected", "x5u injected"),
    *("kid a path", "kid with SQL", "kid an address", "crit unknown", "wrong audience", "wrong issuer", "typ JWT", "a ticket"),
    *("expired", "expired this moment", "not yet valid", "issued in the future", "an opaque refresh token", "no signature"),
    *("RS512 header", "PS256 header", "ES256 header", "signature twice", "header spelled otherwise", "huge"),
}
"""Forgeries that have to be in the table. Refresh tokens that are used twice are tested in tests/identity."""


def test_none_of_the_named_ones_is_forgotten() -> None:
    assert FORGERIES.keys() >= QUALITY
    assert len(QUALITY) >= 20


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_forged_tokens_are_refused(mint: TokenMint, forgery: Callable[[Forger], str]) -> None:
    forger = Forger(mint)
    authenticator = mint.authenticator()
    assert await authenticator.verify(forger.signed()), "the forger's craft itself is sound"
    token = forgery(forger)
    with pytest.raises(Unauthenticated) as first:
        await authenticator.verify(token)
    with pytest.raises(type(first.value)):
        await authenticator.verify(token)
    if not isinstance(first.value, TokenExpired):
        assert str(first.value) == Unauthenticated.__doc__, "every refusal is told alike"


async def test_duplicate_claims_do_not_smuggle(mint: TokenMint) -> None:
    forger = Forger(mint)
    body = json.dumps(forger.claims)[:-1] + ', "iss": "forger"}'
    with pytest.raises(Unauthenticated):
        await mint.authenticator().verify(forger.raw(forger.header, body.encode(), private_key_pem(forger.kid)))
