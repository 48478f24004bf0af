"""The files that are being written, as the recorder agent sees them: they are in no index yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from streaming.recordings.domain import Look

if TYPE_CHECKING:
    from streaming.timeline.repository import PostgresOpenFiles


class OpenFiles:
    """Writes down how far each camera's newest file is written."""

    def __init__(self, uow: UowFactory, repository: Callable[[UnitOfWork], PostgresOpenFiles], idle_after: timedelta) -> None:
        """A file that was not written for `idle_after` is finished, and in the index."""
        self._uow, self._repository, self._idle_after = uow, repository, idle_after

    async def follow(self, look: Look) -> None:
        """Raises: Unavailable."""
        by_tenant: defaultdict[UUID, dict[UUID, tuple[str, datetime, datetime]]] = defaultdict(dict)
        for file in look.written_last().values():
            if file.camera_id in look.cameras and look.now - file.modified_at < self._idle_after:
                tenant_id = look.cameras[file.camera_id].tenant_id
                by_tenant[tenant_id][file.camera_id] = str(file.path), file.started_at, file.modified_at
        for tenant_id in {camera.tenant_id for camera in look.cameras.values()}:
            async with self._uow(tenant_id) as uow:
                await self._repository(uow).put(by_tenant[tenant_id])
