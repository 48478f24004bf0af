"""The keys that tokens are signed with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key. `private_sealed` opens with the vault only; `public_jwk` is published."""

    kid: str
    private_sealed: str
    public_jwk: dict[str, str]
    created_at: datetime
