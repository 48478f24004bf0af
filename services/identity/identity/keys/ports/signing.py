"""What identity needs of signing keys: their rows, their making and their keeping."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from identity.keys.domain.signing import SigningKey


class SigningKeyRows(Protocol):
    """Signing keys. They belong to no tenant."""

    async def lock_signing_keys(self) -> None:
        """Until the transaction ends nobody else adds one, or publishes what it read before."""
        ...

    async def add_signing_key(self, key: SigningKey) -> None: ...

    async def signing_keys(self) -> list[SigningKey]:
        """Newest first."""
        ...

    async def retire_signing_keys(self, but: str, at: datetime) -> None:
        """Every other key will do so then, unless it does before."""
        ...

    async def erase_retired_keys(self, now: datetime) -> int:
        """Forget the private halves of retired keys. Returns how many."""
        ...


class KeyMaker(Protocol):
    """Makes signing keys."""

    async def make(self) -> tuple[str, str, dict[str, str]]:
        """(kid, private PEM, public JWK). Takes a second; off the event loop."""
        ...


class Sealer(Protocol):
    """Keeps secrets at rest."""

    def seal(self, text: str, context: str = "") -> str: ...

    def open(self, text: str, context: str = "") -> str: ...
