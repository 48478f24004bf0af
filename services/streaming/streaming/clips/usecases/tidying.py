"""What becomes of clips that have ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.live import LivePublisher
from city.trusted_time import TrustedNow
from gtvision.time import Clock
from streaming.clips.domain import Clip, live_message

if TYPE_CHECKING:
    from streaming.clips.repository import PostgresClipQueue, PostgresClips
    from streaming.gateways.object_files import ObjectFiles

_REMEMBERED = timedelta(days=90)
"""How long the list shows a clip after its end; what was done stays in the ledger."""


class ClipTidying:
    """Deletes the files of clips that have expired or were cancelled, and clips that ended long ago."""

    def __init__(  # noqa: PLR0913 - what tidying needs
        self,
        uow: UowFactory,
        clips: Callable[[UnitOfWork], PostgresClips],
        queue: PostgresClipQueue,
        store: ObjectFiles,
        *,
        live: LivePublisher,
        clock: Clock,
        trusted_now: TrustedNow,
    ) -> None:
        self._uow, self._clips, self._queue, self._store, self._live = uow, clips, queue, store, live
        self._clock, self._trusted_now = clock, trusted_now

    async def tidy(self) -> None:
        """The object goes first, so that a crash between the two leaves none behind. Raises: Unavailable."""
        trusted = await self._trusted_now()  # for what goes by its age; a lease is of the workers' own clock
        for tenant_id, clip_id in await self._queue.to_tidy(trusted, trusted - _REMEMBERED, self._clock.now()):
            await self._tidy(tenant_id, clip_id, trusted - _REMEMBERED)

    async def _tidy(self, tenant_id: UUID, clip_id: UUID, forgotten: datetime) -> None:
        async with self._uow(tenant_id) as uow:
            clip = await self._clips(uow).get(clip_id)
        if clip is None:
            return
        if clip.object_key is not None:
            await self._store.delete(clip.object_key)
        async with self._uow(tenant_id) as uow:
            clips = self._clips(uow)
            if clip.finished_at is not None and clip.finished_at < forgotten:
                await clips.forget(clip_id)
                return
            await clips.expire(clip_id)
            after = await clips.get(clip_id)
            if after is not None and after.state is not clip.state:
                uow.after_commit(lambda: self._tell(after))

    async def _tell(self, clip: Clip) -> None:
        await self._live.publish(clip.tenant_id, "system", live_message(clip))
