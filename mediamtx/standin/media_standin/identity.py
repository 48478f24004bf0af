"""Identifiers that are also secrets."""

from __future__ import annotations

import secrets
from uuid import UUID


def secret_id() -> UUID:
    """A random UUID that nobody can guess: it alone opens a session's URLs."""
    return UUID(bytes=secrets.token_bytes(16), version=4)
