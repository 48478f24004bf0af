"""Copies of anchors in object storage. Who runs the bucket gives it a lock (WORM), so that nobody replaces them either."""

from __future__ import annotations

from collections.abc import AsyncIterator

from chassis.storage import ObjectStore
from gtvision.errors import NotFound
from identity.domain.anchors import Anchor


class StoredAnchorCopies:
    """`ports.AnchorCopies`."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def put(self, anchor: Anchor, content: bytes) -> None:
        await self._objects.put(anchor.object_key, content)

    async def get(self, key: str) -> bytes | None:
        try:
            return await self._objects.get(key)
        except NotFound:
            return None

    async def keys(self, folder: str) -> AsyncIterator[str]:
        async for found in self._objects.list(folder):
            yield found.key
