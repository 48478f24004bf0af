"""Generated secrets and the forms in which servers store them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

SCRAM_ITERATIONS = 4096  # PostgreSQL's own default; the secrets are 192 random bits, so stretching adds nothing


def new_secret() -> str:
    """192 random bits in letters, digits, `-` and `_`: safe in URLs and configuration files alike."""
    return secrets.token_urlsafe(24)


def scram_verifier(role: str, password: str) -> str:
    """Returns what PostgreSQL stores for a role under SCRAM-SHA-256; it proves a password without holding it.

    The salt is derived from role and password, so that PostgreSQL and PgBouncer, which are configured apart, hold the *same*
    verifier: only then can PgBouncer pass a client's SCRAM proof on without knowing any password.
    """
    salt = hashlib.sha256(f"gtvision scram salt {role} {password}".encode()).digest()[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{_b64(salt)}${_b64(stored)}:{_b64(server)}"


def rabbit_password_hash(password: str) -> str:
    """RabbitMQ's `rabbit_password_hashing_sha256`: base64 of a 4-byte salt and SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return _b64(salt + hashlib.sha256(salt + password.encode()).digest())


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
