"""What identity needs of API keys' rows."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from identity.keys.domain.api_keys import ApiKey


class ApiKeyRows(Protocol):
    """API keys."""

    async def find_api_key(self, key_hash: str) -> ApiKey | None:
        """Across tenants: whose key this is."""
        ...

    async def add_api_key(self, key: ApiKey) -> None: ...

    async def api_key(self, key_id: UUID, *, lock: bool = False) -> ApiKey | None: ...

    async def api_keys(self, after: UUID | None, limit: int) -> list[ApiKey]:
        """In order of id, which is the order of creation; the revoked ones too."""
        ...

    async def revoke_api_key(self, key_id: UUID, at: datetime) -> None: ...

    async def use_api_key(self, key_id: UUID, at: datetime, address: str) -> None: ...
