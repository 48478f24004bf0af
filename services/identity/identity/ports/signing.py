"""What identity needs of signing keys: their rows, their making and their keeping."""

from __future__ import annotations

from typing import Protocol

from identity.domain.signing import SigningKey


class SigningKeyRows(Protocol):
    """Signing keys."""

    async def add_signing_key(self, key: SigningKey) -> bool:
        """Whether it was added: False where another process was first."""
        ...

    async def signing_keys(self) -> list[SigningKey]:
        """Newest first. They belong to no tenant."""
        ...


class KeyMaker(Protocol):
    """Makes signing keys."""

    async def make(self) -> tuple[str, str, dict[str, str]]:
        """(kid, private PEM, public JWK). Takes a second; off the event loop."""
        ...


class Sealer(Protocol):
    """Keeps secrets at rest."""

    def seal(self, text: str) -> str: ...

    def open(self, text: str) -> str: ...
