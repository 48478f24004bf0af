"""Copies of anchors in object storage. Who runs the bucket gives it a lock (WORM), so that nobody replaces them either."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from chassis.storage import ObjectStore
from gtvision.errors import NotFound
from identity.ledger.domain.anchors import FOLDER, Anchor


class StoredAnchorCopies:
    """`ports.AnchorCopies`."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def put(self, anchor: Anchor, content: bytes) -> bool:
        known = await self.get(anchor.object_key)
        if known is None:
            await self._objects.put(anchor.object_key, content)
        return known in {None, content}

    async def get(self, key: str) -> bytes | None:
        try:
            return await self._objects.get(key)
        except NotFound:
            return None

    async def tenants(self) -> list[UUID]:
        found = []
        for name in await self._objects.folders(FOLDER):
            try:
                found.append(UUID(name))
            except ValueError:
                continue
        return found

    async def keys(self, folder: str) -> AsyncIterator[str]:
        async for found in self._objects.list(folder):
            yield found.key
