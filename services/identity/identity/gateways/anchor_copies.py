"""Copies of anchors in object storage. The bucket has a lock (WORM), so that they are not replaced either."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from uuid import UUID

from chassis.storage import ObjectStore
from gtvision.errors import NotFound
from identity.ledger.domain.anchors import FOLDER, Anchor


class StoredAnchorCopies:
    """Copies of anchors, out of the reach of those who have the database."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def put(self, anchor: Anchor, content: bytes) -> bool:
        """False where another copy lies there already: it is evidence, and stays as it is. Raises: Unavailable."""
        known = await self.get(anchor.object_key)
        if known is None:
            await self._objects.put(anchor.object_key, content)
        return known in {None, content}

    async def get(self, key: str) -> bytes | None:
        """None where there is none. Raises: Unavailable."""
        try:
            return await self._objects.get(key)
        except NotFound:
            return None

    async def tenants(self) -> list[UUID]:
        """Whose anchors have copies. Raises: Unavailable."""
        found = []
        for name in await self._objects.folders(FOLDER):
            with suppress(ValueError):
                found.append(UUID(name))
        return found

    async def days(self, tenant_id: UUID) -> set[date]:
        """The UTC days of a tenant's copies. Raises: Unavailable."""
        found, top = set[date](), f"{FOLDER}/{tenant_id}"
        for year in await self._objects.folders(top):
            for month in await self._objects.folders(f"{top}/{year}"):
                for day in await self._objects.folders(f"{top}/{year}/{month}"):
                    with suppress(ValueError):
                        found.add(date(int(year), int(month), int(day)))
        return found

    async def keys(self, tenant_id: UUID, day: date) -> set[str]:
        """A tenant's copies of a day. Raises: Unavailable."""
        return {found.key async for found in self._objects.list(f"{FOLDER}/{tenant_id}/{day:%Y/%m/%d}")}
