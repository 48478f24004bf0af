"""What the live feed needs from the world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol
from uuid import UUID


class LiveMessage(Protocol):
    """A message for screens as it came; `raw` is its JSON. One without tenant says that some may have been lost."""

    @property
    def tenant_id(self) -> UUID | None: ...
    @property
    def topic(self) -> str: ...
    @property
    def data(self) -> Any: ...
    @property
    def raw(self) -> bytes: ...


class LiveIn(Protocol):
    """Everybody's messages for screens."""

    def subscribe(self, patterns: Sequence[str]) -> AsyncIterator[LiveMessage]: ...


class Revocations(Protocol):
    """Sessions that ended before their time."""

    def is_revoked(self, session_id: UUID) -> bool:
        """Raises: Unavailable where no list was ever seen."""
        ...
