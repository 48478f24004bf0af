"""What identity needs of tenants' rows."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from identity.domain.tenants import Tenant


class TenantRows(Protocol):
    """Tenants."""

    async def find_tenant(self, name: str) -> Tenant | None:
        """Across tenants: the tenant of this name."""
        ...

    async def add_tenant(self, tenant: Tenant) -> None: ...

    async def tenant(self, tenant_id: UUID) -> Tenant | None: ...
