"""Evidence pictures in the object store."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from chassis.storage import ObjectStore


class ObjectEvidence:
    """`evidence/<tenant>/<camera>/<yyyy>/<mm>/<dd>/<capture time>.jpg`."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def keep(self, tenant_id: UUID, camera_id: UUID, captured_at: datetime, picture: bytes) -> tuple[str, str]:
        key = f"evidence/{tenant_id}/{camera_id}/{captured_at:%Y/%m/%d}/{captured_at:%H%M%S%f}.jpg"
        return key, await self._objects.put(key, picture)
