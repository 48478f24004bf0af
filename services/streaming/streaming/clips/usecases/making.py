"""Making clips, beside the media server: only there the recorded files are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.live import LivePublisher
from chassis.logs import get_logger
from chassis.storage import object_key
from city.audit import AuditEntry, audit_event
from gtvision.audit import Action
from gtvision.errors import Unavailable
from gtvision.tenancy import Caller, Role
from gtvision.time import Clock, isoformat
from streaming import metrics
from streaming.clips.domain import CannotCut, Clip, ClipState, Failure, Made, NoRoom, Span, content_disposition, live_message, pieces

if TYPE_CHECKING:
    from streaming.clips.repository import PostgresClipQueue, PostgresClips
    from streaming.gateways.clip_cutter import Cut
    from streaming.gateways.clip_folder import ClipFolder
    from streaming.gateways.object_files import ObjectFiles
    from streaming.gateways.recordings_folder import RecordingsFolder

log = get_logger(__name__)

_LEASE = timedelta(seconds=30)
_ROOM_AGAIN = timedelta(seconds=30)
"""A clip without room is tried again after so long."""
_LOOK_S = 1.0
_ATTEMPTS = 3
_CUTTING, _SENDING = 0.8, 0.2
"""Shares of the progress."""
_ENDS_WITHIN_S = 65.0
_STALLED_S = 600.0
"""So long may a step take that shows no progress: the last one moves the table of contents to the front of the file."""


class _Errand:
    """One clip on its way: how far it is."""

    def __init__(self, clip: Clip, cut: Cut) -> None:
        self.clip, self.cut = clip, cut
        self._sent = 0.0
        self._moved: tuple[float, float] | None = None

    def sent(self, share: float) -> None:
        """0..1 of the file is in the object store."""
        self._sent = share

    @property
    def progress(self) -> float:
        return min(0.999, _CUTTING * self.cut.progress + _SENDING * self._sent)

    def moved_at(self, clock: Clock) -> float:
        """When it was seen to go on last, in monotonic seconds."""
        if self._moved is None or self._moved[0] != self.progress:
            self._moved = self.progress, clock.monotonic()
        return self._moved[1]


class ClipMaking:
    """Makes the clips that wait, one at a time.

    A clip is held by a lease that its worker renews each second. A worker that died loses it, and the next one begins anew; one that was
    only slow, or whose clip was cancelled, finds that the row is no longer its own and leaves nothing behind.
    """

    def __init__(  # noqa: PLR0913 - what making needs
        self,
        uow: UowFactory,
        clips: Callable[[UnitOfWork], PostgresClips],
        queue: PostgresClipQueue,
        files: RecordingsFolder,
        folder: ClipFolder,
        store: ObjectFiles,
        *,
        live: LivePublisher,
        clock: Clock,
        keep_for: timedelta,
    ) -> None:
        """`keep_for` is how long a finished clip can be fetched."""
        self._uow, self._clips, self._queue, self._files, self._folder, self._store = uow, clips, queue, files, folder, store
        self._live, self._clock, self._keep_for = live, clock, keep_for
        self._is_swept = False

    async def make_waiting(self) -> None:
        """Makes clips until none waits: each city's oldest in turn. Raises: Unavailable."""
        if not self._is_swept:
            await self._folder.sweep()  # what a worker before this one has left
            self._is_swept = True
        while await self._make_next():
            pass

    async def _make_next(self) -> bool:
        """Returns whether there was one to be made."""
        for tenant_id, clip_id in await self._queue.waiting(self._clock.now()):
            clip = await self._claim(tenant_id, clip_id)
            if clip is None:
                continue
            if not await self._make(clip):
                log.info("clip_lost", clip_id=str(clip_id))
                await self._clear(clip)
            return True
        return False

    async def _claim(self, tenant_id: UUID, clip_id: UUID) -> Clip | None:
        now = self._clock.now()
        async with self._uow(tenant_id) as uow:
            found = await self._clips(uow).get(clip_id)
            if found is None:
                return None
            key = object_key("exports", tenant_id, found.request.camera_id, found.request.since, f"{clip_id}.mp4")
            clip = await self._clips(uow).claim(clip_id, key, now, now + _LEASE)
        if clip is not None and clip.attempts > _ATTEMPTS:
            await self._fail(clip, CannotCut(Failure.GAVE_UP))
            return None
        return clip

    async def _make(self, clip: Clip) -> bool:
        """Returns whether the clip was this worker's to the end. Raises: Unavailable."""
        asked = clip.request
        try:
            files = await self._files.of_camera(asked.camera_id)
            found = pieces(files.around(asked.since, asked.until), asked.since, asked.until)
            made = await self._watch(_Errand(clip, self._folder.cut(clip.clip_id, found, Span(asked.since, asked.until))))
            return made is not None and await self._finish(clip, made)
        except CannotCut as error:
            return await self._fail(clip, error)
        except NoRoom as error:
            log.warning("clip_without_room", clip_id=str(clip.clip_id), wanted_bytes=error.wanted_bytes)
            return await self._put_back(clip, _ROOM_AGAIN, Failure.NO_ROOM)
        except (Unavailable, asyncio.CancelledError):
            await self._put_back(clip, _LEASE / 2)
            raise

    async def _watch(self, errand: _Errand) -> Made | None:
        """Renews the lease while the clip is made. None where it was lost. Raises: CannotCut, NoRoom, Unavailable."""
        clip = errand.clip
        task = asyncio.create_task(self._produce(errand), name=f"clip {clip.clip_id}")
        try:
            while not (await asyncio.wait({task}, timeout=_LOOK_S))[0]:
                if self._clock.monotonic() - errand.moved_at(self._clock) > _STALLED_S:
                    raise Unavailable("The recordings folder or the object store does not answer.")
                if not await self._renew(replace(clip, progress=errand.progress)):
                    return None
            return task.result()
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=_ENDS_WITHIN_S)
            await self._folder.discard(clip.clip_id)

    async def _produce(self, errand: _Errand) -> Made:
        """Cuts the file and sends it to the object store. Raises: CannotCut, NoRoom, OSError, Unavailable."""
        made = await self._folder.run(errand.cut)
        clip, key = errand.clip, errand.clip.object_key
        assert key is not None
        kept = {"sha256": made.sha256, "Content-Type": "video/mp4", "Content-Disposition": content_disposition(clip.request.name)}
        await self._store.put_file(key, errand.cut.target, made.size_bytes, kept, lambda sent: errand.sent(sent / made.size_bytes))
        return made

    async def _renew(self, clip: Clip) -> bool:
        """Renews the lease and tells the progress. False where the clip is no longer this worker's."""
        async with self._uow(clip.tenant_id) as uow:
            mine = await self._clips(uow).write(clip, progress=clip.progress, lease_until=self._clock.now() + _LEASE)
            if mine:
                uow.after_commit(lambda: self._tell(clip))
        return mine

    async def _finish(self, clip: Clip, made: Made) -> bool:
        now, asked = self._clock.now(), clip.request
        values = {
            "state": ClipState.READY,
            "progress": 1.0,
            "size_bytes": made.size_bytes,
            "sha256": made.sha256,
            "manifest": made.manifest(asked.since, asked.until),
            "finished_at": now,
            "expires_at": now + self._keep_for,
        }
        async with self._uow(clip.tenant_id) as uow:
            mine = await self._clips(uow).write(clip, **values)
            if mine:
                # As if the person had done it: their request has long been answered.
                who = Caller(clip.tenant_id, asked.requested_by, Role(asked.role), frozenset(), asked.session_id)
                details = {"sha256": made.sha256, "size_bytes": made.size_bytes}
                entry = AuditEntry("clip", clip.clip_id, asked.camera_id, asked.since, asked.until, details)
                event = audit_event(Action.EXPORT_MADE, who, entry).model_copy(update={"purpose": asked.purpose})
                uow.emit(event, camera_id=asked.camera_id)
                uow.after_commit(lambda: self._tell(replace(clip, state=ClipState.READY, progress=1.0)))
                metrics.clips.labels("ready").inc()
                log.info("clip_ready", clip_id=str(clip.clip_id), size_bytes=made.size_bytes)
        return mine

    async def _fail(self, clip: Clip, error: CannotCut) -> bool:
        changed = {"format_changed_at": isoformat(error.at)} if error.at else None
        values = {"state": ClipState.FAILED, "reason": error.reason, "manifest": changed, "finished_at": self._clock.now()}
        async with self._uow(clip.tenant_id) as uow:
            mine = await self._clips(uow).write(clip, **values)
            if mine:
                uow.after_commit(lambda: self._tell(replace(clip, state=ClipState.FAILED)))
                metrics.clips.labels("failed").inc()
                log.warning("clip_failed", clip_id=str(clip.clip_id), reason=error.reason.value)
        return mine

    async def _clear(self, clip: Clip) -> None:
        """Deletes what may have been sent of a clip that was cancelled. Another worker's, which goes on with it, stays."""
        async with self._uow(clip.tenant_id) as uow:
            now = await self._clips(uow).get(clip.clip_id)
        if now is not None and now.state is ClipState.CANCELLED and clip.object_key is not None:
            await self._store.delete(clip.object_key)
            async with self._uow(clip.tenant_id) as uow:
                await self._clips(uow).expire(clip.clip_id)

    async def _put_back(self, clip: Clip, wait: timedelta, reason: Failure | None = None) -> bool:
        """It waits again, and this try does not count: what it needs was away, or this process ends. Returns whether it was its own."""
        values = {"state": ClipState.QUEUED, "progress": 0.0, "attempts": clip.attempts - 1, "lease_until": self._clock.now() + wait}
        try:
            async with self._uow(clip.tenant_id) as uow:
                return await self._clips(uow).write(clip, reason=reason, **values)
        except Unavailable:
            log.warning("clip_not_put_back", clip_id=str(clip.clip_id))  # its lease ends by itself
            return True

    async def _tell(self, clip: Clip) -> None:
        await self._live.publish(clip.tenant_id, "system", live_message(clip))
