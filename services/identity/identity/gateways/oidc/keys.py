"""A provider's public keys, and what may be signed with them."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from identity.federation.domain.federation import OutsideTokenRefused

PublicKey = RSAKey | ECKey

_MIN_RSA_BYTES = 256
_MAX_KEYS = 50
_MAX_TOKEN_BYTES = 12_000
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REFUSED_FIELDS = frozenset({"crit", "b64", "jwk", "jku", "x5u", "zip", "enc"})
"""Extensions that change what a signature means, and ways to bring one's own key."""
_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})


def read_keys(document: Mapping[str, Any]) -> dict[str, tuple[PublicKey, str | None]]:
    """Key and pinned algorithm by id. What is no signing key of a known, strong kind is passed over."""
    listed = document.get("keys")
    found: dict[str, tuple[PublicKey, str | None]] = {}
    for item in listed[:_MAX_KEYS] if isinstance(listed, list) else ():
        if isinstance(item, dict) and item.get("use", "sig") == "sig":
            kid, alg, key = item.get("kid", ""), item.get("alg"), _public_key(item)
            if key is not None and isinstance(kid, str) and isinstance(alg, str | None):
                found[kid] = key, alg
    return found


def _public_key(item: dict[str, Any]) -> PublicKey | None:
    public = {name: value for name, value in item.items() if name in {"kty", "n", "e", "crv", "x", "y"}}
    try:
        if item.get("kty") == "RSA" and len(_decoded(str(item.get("n", ""))).lstrip(b"\0")) >= _MIN_RSA_BYTES:
            return RSAKey.import_key(public)
        if item.get("kty") == "EC":
            return ECKey.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None


def read_header(token: str, algorithms: Collection[str]) -> tuple[str, str | None]:
    """Algorithm and key id of a compact JWS. Raises: OutsideTokenRefused."""
    if len(token) > _MAX_TOKEN_BYTES or _COMPACT.fullmatch(token) is None:
        raise OutsideTokenRefused("This is no signed token.")
    try:
        header = json.loads(_decoded(token.partition(".")[0]))
    except (ValueError, RecursionError, binascii.Error):
        raise OutsideTokenRefused("The token's header is not readable.") from None
    if not isinstance(header, dict) or _REFUSED_FIELDS & header.keys():
        raise OutsideTokenRefused("The token's header asks for what is not accepted.")
    alg, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "")
    if alg not in algorithms or not isinstance(kid, str | None) or not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise OutsideTokenRefused("The token is not signed as this provider signs.")
    return str(alg), kid


def verified_claims(token: str, key: PublicKey, algorithm: str) -> dict[str, Any]:
    """What the token says, if the key signed it. Raises: OutsideTokenRefused."""
    try:
        return dict(jwt.decode(token, key, algorithms=[algorithm]).claims)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise OutsideTokenRefused("The token's signature is wrong.") from None


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
