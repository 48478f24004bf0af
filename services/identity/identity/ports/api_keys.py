"""What identity needs of API keys' rows."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from identity.domain.api_keys import ApiKey


class ApiKeyRows(Protocol):
    """API keys."""

    async def find_api_key(self, key_hash: str) -> ApiKey | None:
        """Across tenants: whose key this is."""
        ...

    async def add_api_key(self, key: ApiKey) -> None: ...

    async def api_key(self, key_id: UUID) -> ApiKey | None: ...
