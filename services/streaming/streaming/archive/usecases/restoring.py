"""Restoring: ranges that somebody asked for come back from the archive, beside the media server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from city.trusted_time import TrustedNow
from gtvision.errors import Invalid, NotFound
from gtvision.time import EARLIEST, Clock
from streaming import metrics
from streaming.archive.domain import Copy, Failure, Restore, RestoreState, Thaw
from streaming.archive.usecases.copying import Copies
from streaming.recordings.domain import Look, SegmentFile
from streaming.streams.domain import DesiredCamera

if TYPE_CHECKING:
    from streaming.archive.repository import PostgresRestores
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.gateways.s3_archive import S3Archive
    from streaming.recordings.repository import PostgresIndex, PostgresSegments
    from streaming.tombstones.repository import PostgresTombstones

log = get_logger(__name__)

Restores = Callable[[UnitOfWork], "PostgresRestores"]
Segments = Callable[[UnitOfWork], "PostgresSegments"]
_MOST_AT_ONCE = 20
_ASKED_AGAIN_AFTER = timedelta(minutes=5)
"""Cold storage needs minutes to two days."""
_THAWED_FOR_DAYS = 2
"""So long can an object be read that came out of cold storage: it is brought back at once."""
_KNOWN_AGAIN_AFTER = timedelta(seconds=30)


class _Came(Enum):
    BACK = auto()
    LATER = auto()
    NEVER = auto()


class Restoring:
    """Brings copies back into the recordings folder, as the same segments in their old place of the chain."""

    def __init__(  # noqa: PLR0913 - what bringing back needs
        self,
        uow: UowFactory,
        copies: Copies,
        restores: Restores,
        segments: Segments,
        index: PostgresIndex,
        tombstones: Callable[[UnitOfWork], PostgresTombstones],
        *,
        files: RecordingsFolder,
        archive: S3Archive,
        clock: Clock,
        trusted_now: TrustedNow,
        free_floor: float,
    ) -> None:
        """`free_floor` is the share of the disk (0..1) that is kept free."""
        self._uow, self._copies, self._restores, self._segments = uow, copies, restores, segments
        self._index, self._files, self._archive, self._clock, self._free_floor = index, files, archive, clock, free_floor
        self._tombstones, self._trusted_now, self._now = tombstones, trusted_now, EARLIEST
        """The last is the trusted time of the last look."""
        self._cameras: Mapping[UUID, DesiredCamera] = {}
        self._back: dict[str, datetime] | None = None
        """By path, until when what was brought back stays, as it stood at the last look; None: not known yet."""
        self._came: dict[str, datetime] = {}
        """The same of what this process brought back, which a look that began before does not know of."""
        self._known_at = float("-inf")
        self._brought: defaultdict[UUID, set[UUID]] = defaultdict(set)
        """By restore, segments that this process brought back: one that is asked for again has gone, for want of room."""
        self._missing: defaultdict[UUID, set[UUID]] = defaultdict(set)
        """By restore, segments whose copy was not found. They are looked for again after a restart, and by the next restore: the wrong
        bucket in the settings must not cost the knowledge of what is in the right one."""

    async def went(self, uow: UnitOfWork, segment_ids: Collection[UUID]) -> None:
        """Files go from the disk: what was brought back of them is no longer there."""
        await self._copies(uow).end_restored_of(segment_ids)

    async def follow(self, look: Look) -> None:
        """Learns which cameras there are, and what was brought back. Raises: Unavailable."""
        self._cameras = look.cameras
        if self._clock.monotonic() - self._known_at < _KNOWN_AGAIN_AFTER.total_seconds():
            return
        back: dict[str, datetime] = {}
        self._now = min(look.now, await self._trusted_now())
        for tenant_id in self._tenants():
            async with self._uow(tenant_id) as uow:
                await self._copies(uow).end_restored(self._now)
                back |= await self._copies(uow).restored(self._now)
        self._back, self._known_at = back, self._clock.monotonic()
        self._came = {path: until for path, until in self._came.items() if until > self._now}

    def keeps(self, file: SegmentFile) -> bool:
        """Whether the file was brought back and stays for now: where that is not known, as at the start, yes."""
        if self._back is None:
            return True
        path = str(file.path)
        return any(path in known and known[path] > self._now for known in (self._back, self._came))

    def brought_back(self) -> list[PurePosixPath]:
        """What was brought back, as far as is known."""
        return [PurePosixPath(path) for path in (self._back or {}) | self._came]

    async def bring_back(self) -> None:
        """Goes on with what was asked for. Raises: Unavailable, where the archive, the disk or the database is away."""
        for tenant_id in self._tenants():
            async with self._uow(tenant_id) as uow:
                jobs = await self._restores(uow).open(self._clock.now())
            for job in jobs:
                await self._go_on(job)

    def _tenants(self) -> list[UUID]:
        return sorted({camera.tenant_id for camera in self._cameras.values()})

    async def _go_on(self, job: Restore) -> None:
        """First all that is in cold storage is asked for; then what was asked for is brought back as it comes."""
        for asked in (False, True):
            async with self._uow(job.tenant_id) as uow:
                waiting = await self._copies(uow).to_bring(job, _MOST_AT_ONCE, asked=asked, without=self._missing[job.restore_id])
            for copy in waiting:
                if self._clock.now() >= job.keep_until:
                    break
                went_again = copy.segment.segment_id in self._brought[job.restore_id]
                if went_again or await self._files.missing_free_bytes(self._free_floor) > 0:
                    await self._save(job, state=RestoreState.FAILED, reason="no_room", finished_at=self._clock.now())
                    return
                came = await self._bring(copy, job)
                if came is _Came.BACK:
                    self._brought[job.restore_id].add(copy.segment.segment_id)
                if came is _Came.LATER and asked:
                    await self._save(job, state=RestoreState.WAITING, look_at=self._clock.now() + _ASKED_AGAIN_AFTER)
                    return
            if waiting and self._clock.now() < job.keep_until:
                await self._save(job, state=RestoreState.RUNNING, look_at=None)
                return
        await self._finish(job)

    async def _finish(self, job: Restore) -> None:
        done = await self._done(job)
        self._missing.pop(job.restore_id, None)
        self._brought.pop(job.restore_id, None)
        state = RestoreState.READY if done else RestoreState.FAILED
        reason = None if done else "copies_missing"
        await self._save(job, state=state, reason=reason, missing=max(0, job.total - done), finished_at=self._clock.now(), look_at=None)
        log.info("recordings_restored", restore_id=str(job.restore_id), files=done, state=state.value)

    async def _done(self, job: Restore) -> int:
        async with self._uow(job.tenant_id) as uow:
            return await self._copies(uow).count_back(job)

    async def _save(self, job: Restore, **changes: object) -> None:
        done = await self._done(job)
        async with self._uow(job.tenant_id) as uow:
            await self._restores(uow).save(replace(job, done=done, **changes))  # type: ignore[arg-type]

    async def _bring(self, copy: Copy, job: Restore) -> _Came:
        segment, path = copy.segment, PurePosixPath(copy.segment.path)
        if await self._files.has(path, segment.size_bytes):
            await self._came_back(copy, job.keep_until)
            return _Came.BACK
        try:
            stored = await self._archive.head(copy.object_key)
            if stored.is_cold:
                if stored.thaw is Thaw.NONE:
                    await self._archive.thaw(copy.object_key, _THAWED_FOR_DAYS)
                async with self._uow(segment.tenant_id) as uow:
                    await self._copies(uow).save_asked(copy, self._clock.now())
                return _Came.LATER
            unfinished = await self._files.receive(path, self._archive.get(copy.object_key))
        except (Invalid, NotFound) as error:
            log.error("copy_missing", key=copy.object_key, reason=error.message)
            self._missing[job.restore_id].add(segment.segment_id)
            return _Came.NEVER
        if await self._files.sha256(unfinished) != segment.sha256:
            await self._files.delete(unfinished)
            log.error("copy_changed", key=copy.object_key)
            async with self._uow(segment.tenant_id) as uow:
                await self._copies(uow).save_failed(copy, Failure.COPY_CHANGED)
            return _Came.NEVER
        self._note(copy, job.keep_until)  # before it is there: what deletes must not find it first
        await self._put_back(copy, unfinished)
        await self._came_back(copy, job.keep_until)
        metrics.copies.labels("restored").inc()
        return _Came.BACK

    async def _put_back(self, copy: Copy, unfinished: PurePosixPath) -> None:
        """File and row come together, under the lock of the camera's chain: who finds the file finds the row, too, and gives it no new
        place in the chain; who finds a row finds its file."""
        segment, path = copy.segment, PurePosixPath(copy.segment.path)
        there = unfinished
        try:
            parts = await self._parts(unfinished)
            day = segment.started_at.date()
            await self._index.make_room(day, day)
            async with self._uow(segment.tenant_id) as uow:
                segments = self._segments(uow)
                await segments.last_link(segment.camera_id)
                await segments.put_back(segment, parts)
                await self._tombstones(uow).forget_buried([segment.segment_id])  # when it goes again, that is another deletion
                await self._files.settle(path, segment.ended_at)
                there = path
        except BaseException:
            await self._files.delete(there)
            raise

    async def _parts(self, unfinished: PurePosixPath) -> bytes:
        try:
            return (await self._files.parts(unfinished)).encoded()
        except Invalid:
            return b""

    def _note(self, copy: Copy, until: datetime) -> None:
        path = copy.segment.path
        self._came[path] = max(until, self._came.get(path, until))

    async def _came_back(self, copy: Copy, until: datetime) -> None:
        self._note(copy, until)
        async with self._uow(copy.segment.tenant_id) as uow:
            await self._copies(uow).save_restored(copy, until)
