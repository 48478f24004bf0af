"""Whether a city has room for one more person."""

from __future__ import annotations

from uuid import UUID

from identity.ports.store import Store


async def check_room(store: Store, tenant_id: UUID) -> None:
    """Lock the city until the transaction ends, so that no two take the last place. Raises: QuotaReached.

    Rows of people are locked before that of their city, never after it.
    """
    tenant = await store.tenant(tenant_id, lock=True)
    if tenant is not None and tenant.settings.quotas.users is not None:
        tenant.settings.quotas.check_room("users", await store.count_enabled())
