"""What identity needs of tenants: their rows, a place for their logos, and ears for their settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from identity.cities.domain import Tenant


class TenantRows(Protocol):
    """Tenants."""

    async def find_tenant(self, name: str) -> Tenant | None:
        """Across tenants: the tenant of this name."""
        ...

    async def tenants(self, after: UUID | None, limit: int) -> list[Tenant]:
        """Across tenants: in order of id, which is the order of creation."""
        ...

    async def add_tenant(self, tenant: Tenant) -> None:
        """Raises: NameTaken."""
        ...

    async def tenant(self, tenant_id: UUID, *, lock: bool = False) -> Tenant | None: ...

    async def set_settings(self, tenant: Tenant) -> None:
        """Its revision, settings and ceiling."""
        ...


class TenantBoard(Protocol):
    """What every service reads of cities' settings."""

    async def is_whole(self) -> bool:
        """Whether it has what was written, and every write arrived. Raises: Unavailable."""
        ...

    async def publish(self, tenants: Sequence[Tenant]) -> None:
        """A newer revision that is there stays. Raises: Unavailable."""
        ...


class Pictures(Protocol):
    """Where logos are kept."""

    async def put(self, key: str, data: bytes) -> str:
        """Raises: Unavailable."""
        ...

    async def get(self, key: str) -> bytes:
        """Raises: NotFound, Unavailable."""
        ...
