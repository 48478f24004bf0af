"""The archive, as callers see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.db import UowFactory
from chassis.idempotency import Gone, Once, claim
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Invalid, NotFound, RateLimited
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock
from streaming.archive.domain import Restore, RestoreState
from streaming.archive.usecases.copying import Copies
from streaming.archive.usecases.restoring import Restores
from streaming.streams.domain import KeptCamera

FindCamera = Callable[[Caller, UUID], Awaitable[object]]
"""Raises: NotFound, for a camera that never was, or that the caller may not see."""
KeptCameras = Callable[[Caller], Awaitable[Sequence[KeptCamera]]]
"""The cameras that there are or were and that a caller may see."""
LONGEST = timedelta(hours=24)
_MOST_OPEN = 10


@dataclass(frozen=True, slots=True)
class RestoreDraft:
    """A range that is to come back, and how many days it then stays."""

    camera_id: UUID
    since: datetime
    until: datetime
    days: int


class Archives:
    """What only copies hold, and how it comes back."""

    def __init__(
        self, uow: UowFactory, copies: Copies, restores: Restores, clock: Clock, *, find_camera: FindCamera, cameras: KeptCameras
    ) -> None:
        self._uow, self._copies, self._restores, self._clock = uow, copies, restores, clock
        self._find_camera, self._cameras = find_camera, cameras

    async def restore(self, caller: Caller, draft: RestoreDraft, once: Once | None = None) -> Restore:
        """Asks for a range; on record. The recorder agent brings it back. Raises: NotFound, Invalid, RateLimited, what `claim` raises."""
        now = self._clock.now()
        if not timedelta() < draft.until - draft.since <= LONGEST:
            raise Invalid("`to` must be after `from`, by 24 hours at most.")
        await self._find_camera(caller, draft.camera_id)
        async with self._uow(caller.tenant_id) as uow:
            restores, restore_id = self._restores(uow), new_id()
            earlier = await claim(uow, caller, once, restore_id, now)
            if earlier is not None:
                made = await restores.get(earlier)
                if made is None:
                    raise Gone
                return made
            total = await self._copies(uow).count(draft.camera_id, draft.since, draft.until)
            if total == 0:
                raise NotFound("There is no off-site copy of this range.")
            if await restores.count_open() >= _MOST_OPEN:
                raise RateLimited("Your city waits for other ranges: ask again when one is ready.", retry_after=timedelta(minutes=1))
            job = Restore(
                restore_id=restore_id,
                tenant_id=caller.tenant_id,
                camera_id=draft.camera_id,
                since=draft.since,
                until=draft.until,
                requested_by=caller.user_id,
                requested_at=now,
                keep_until=now + timedelta(days=draft.days),
                state=RestoreState.QUEUED,
                total=total,
            )
            await restores.add(job)
            entry = AuditEntry("restore", restore_id, draft.camera_id, draft.since, draft.until, {"files": total, "days": draft.days})
            record(uow, Action.RECORDINGS_RESTORED, caller, entry)
        return job

    async def show(self, caller: Caller, restore_id: UUID) -> Restore:
        """Raises: NotFound, also for one of a camera that the caller may not see."""
        async with self._uow(caller.tenant_id) as uow:
            job = await self._restores(uow).get(restore_id)
        if job is None:
            raise NotFound("There is no such restore.")
        await self._find_camera(caller, job.camera_id)
        return job

    async def list(self, caller: Caller, before: UUID | None, limit: int) -> list[Restore]:
        """What was asked for of the cameras that the caller may see, the latest first."""
        visible = None if caller.camera_groups is None else {camera.camera_id for camera in await self._cameras(caller)}
        async with self._uow(caller.tenant_id) as uow:
            return await self._restores(uow).list_newest(visible, before, limit)
