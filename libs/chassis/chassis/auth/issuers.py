"""Tokens of other issuers. Their algorithm is pinned too, and `crit` and every way to bring one's own key are refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from jose import jwk, jws
from jose.backends.cryptography_backend import CryptographyRSAKey
from jose.exceptions import JOSEError
from jose.utils import base64url_decode

from chassis.auth.tokens import COMPACT
from gtvision.errors import Unauthenticated

_MIN_RSA_BYTES, _MAX_KEYS, _MAX_TOKEN_BYTES = 256, 50, 12_000
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_REFUSED_FIELDS = frozenset({"crit", "b64", "jwk", "jku", "x5u", "zip", "enc"})
"""Extensions that change what a signature means, and ways to bring one's own key."""
_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
_FIELDS = ("kty", "n", "e", "crv", "x", "y", "alg")
_MALFORMED = (JOSEError, msgspec.MsgspecError, ValueError, TypeError, KeyError, RecursionError)

IssuerKey = Mapping[str, str]
"""A public JWK: its numbers, and `alg` where the issuer pins one to it."""


class _PssKey(CryptographyRSAKey):
    """RSA-PSS (RFC 7518, 3.5), which python-jose does not know."""

    def verify(self, msg: bytes, sig: bytes) -> bool:
        kind = self.hash_alg()
        try:
            self.prepared_key.verify(sig, msg, PSS(MGF1(kind), kind.digest_size), kind)
        except InvalidSignature:
            return False
        return True


def read_issuer_keys(document: Mapping[str, Any]) -> dict[str, IssuerKey]:
    """Returns the keys of a JWKS by id. What is no signing key of a known, strong kind is passed over."""
    listed = document.get("keys")
    usable = [each for each in listed[:_MAX_KEYS] if isinstance(each, dict) and _is_usable(each)] if isinstance(listed, list) else []
    return {each.get("kid", ""): {name: each[name] for name in _FIELDS if name in each} for each in usable}


def _is_usable(item: dict[str, Any]) -> bool:
    curves = {curve: algorithm for algorithm, curve in _CURVES.items()}
    try:
        is_rsa = item["kty"] == "RSA"
        jwk.construct({**item}, "RS256" if is_rsa else curves[item["crv"]])
        is_strong = not is_rsa or len(base64url_decode(item["n"].encode()).lstrip(b"\0")) >= _MIN_RSA_BYTES
    except _MALFORMED:
        return False
    return is_strong and item.get("use", "sig") == "sig" and isinstance(item.get("kid", ""), str) and "d" not in item


def read_issuer_header(token: str, algorithms: Collection[str]) -> tuple[str, str | None]:
    """Returns algorithm and key id of a compact JWS. Raises: Unauthenticated."""
    if len(token) > _MAX_TOKEN_BYTES or COMPACT.fullmatch(token) is None:
        raise Unauthenticated
    try:
        header = msgspec.json.decode(base64url_decode(token.partition(".")[0].encode()), type=dict[str, Any])
    except _MALFORMED as error:
        raise Unauthenticated from error
    alg, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "")
    if _REFUSED_FIELDS & header.keys() or alg not in tuple(algorithms) or not isinstance(kid, str | None):
        raise Unauthenticated
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise Unauthenticated
    return str(alg), kid


def issuer_claims(token: str, key: IssuerKey, algorithm: str) -> dict[str, Any]:
    """Returns what the token says, if the key signed it with this algorithm. Raises: Unauthenticated."""
    if key.get("alg", algorithm) != algorithm or key.get("crv") != _CURVES.get(algorithm):
        raise Unauthenticated
    try:
        is_pss = algorithm.startswith("PS")
        public = _PssKey(dict(key), f"RS{algorithm[2:]}") if is_pss else jwk.construct(dict(key), algorithm)
        return msgspec.json.decode(jws.verify(token, public, [algorithm]), type=dict[str, Any])
    except _MALFORMED as error:
        raise Unauthenticated from error
