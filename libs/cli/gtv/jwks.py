"""Identity's public keys, as Kong wants them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gtv.failures import GtvError

MIN_BITS = 3_072
_MAX_BYTES = 1_000_000
_TIMEOUT_S = 10.0


class BadKeys(GtvError):
    """The JWKS cannot be read or holds what cannot sign our tokens."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key of the set."""

    kid: str
    pem: str
    """SubjectPublicKeyInfo."""


def parse(document: Any) -> list[PublicKey]:
    """Every key of a JWKS, ordered by id so that the same set renders the same. Raises: BadKeys."""
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not keys:
        raise BadKeys("The JWKS has no keys: with it, every request would be refused.")
    found = {key.kid: key for key in map(_key, keys)}
    if len(found) != len(keys):
        raise BadKeys("Two keys of the JWKS have the same id.")
    return [found[kid] for kid in sorted(found)]


def _key(jwk: Any) -> PublicKey:
    if not isinstance(jwk, dict) or jwk.get("kty") != "RSA" or jwk.get("alg", "RS256") != "RS256" or jwk.get("use", "sig") != "sig":
        raise BadKeys("The JWKS holds a key that is no RSA key for RS256 signatures.")
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not kid:
        raise BadKeys("The JWKS holds a key without an id.")
    try:
        public = RSAPublicNumbers(e=_number(jwk, "e"), n=_number(jwk, "n")).public_key()
    except (KeyError, TypeError, ValueError) as error:
        raise BadKeys(f"The key {kid} is broken: {error}") from error
    if public.key_size < MIN_BITS:
        raise BadKeys(f"The key {kid} has {public.key_size} bits; {MIN_BITS} are needed.")
    return PublicKey(kid, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def _number(jwk: Mapping[str, str], name: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "=="), "big")


def read(source: str, ca: Path | None = None) -> list[PublicKey]:
    """From an address or a file. `ca` is the authority of an edge with its own. Raises: BadKeys."""
    try:
        text = _get(source, ca) if source.startswith(("http://", "https://")) else Path(source).read_text()
        return parse(json.loads(text))
    except (OSError, ValueError, httpx.HTTPError) as error:
        raise BadKeys(f"The keys at {source} cannot be read: {error}") from error


def _get(url: str, ca: Path | None) -> str:
    with httpx.Client(verify=_trust(ca), trust_env=False, timeout=_TIMEOUT_S) as http:
        answer = http.get(url).raise_for_status()
    if len(answer.content) > _MAX_BYTES:
        raise BadKeys(f"The answer of {url} is too large to be a JWKS.")
    return answer.text


def _trust(ca: Path | None) -> Any:
    import ssl

    return True if ca is None else ssl.create_default_context(cafile=str(ca))
