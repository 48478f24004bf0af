"""Copying: finished recordings of marked cameras to the archive, oldest first, beside the media server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.errors import Invalid, NotFound
from gtvision.time import Clock
from streaming import metrics
from streaming.archive.domain import Copy, Failure, Stored
from streaming.recordings.domain import Look, SegmentFile
from streaming.streams.domain import DesiredCamera

if TYPE_CHECKING:
    from streaming.archive.repository import PostgresCopies
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.gateways.s3_archive import S3Archive

log = get_logger(__name__)

Copies = Callable[[UnitOfWork], "PostgresCopies"]
_NOTED_EVERY = timedelta(seconds=10)
_NOTED_WHOLE_EVERY = timedelta(hours=1)
_LATELY = timedelta(hours=1)
"""Between two looks at the whole index, only what began so lately is looked for: the index of a busy disk has millions of rows."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_AT_ONCE = 20


class Copying:
    """Copies what is marked, one file after the other. The file is the unit: one that was cut off is sent again from its beginning.

    It follows the looks at the folder for what is marked, and works in a loop of its own.
    """

    def __init__(self, uow: UowFactory, copies: Copies, files: RecordingsFolder, archive: S3Archive, clock: Clock) -> None:
        self._uow, self._copies, self._files, self._archive, self._clock = uow, copies, files, archive, clock
        self._cameras: Mapping[UUID, DesiredCamera] = {}
        self._noted_at = self._noted_whole_at = float("-inf")
        self._noted: dict[UUID, datetime | None] = {}
        """Of each camera that was looked for, when the oldest recording begins that waits."""
        self._marked_then: frozenset[UUID] = frozenset()

    async def follow(self, look: Look) -> None:
        """Learns which cameras there are."""
        self._cameras = look.cameras

    def awaits(self, file: SegmentFile) -> bool:
        """Whether the file has to be copied yet, as far as is known: where nothing is known, yes."""
        camera = self._cameras.get(file.camera_id)
        if camera is None or not camera.recording.offsite:
            return False
        oldest = self._noted.get(file.camera_id, _LONG_AGO)
        return oldest is not None and file.started_at >= oldest - timedelta(days=1)

    async def copy_some(self) -> None:
        """Notes what is new, and copies some files. Raises: Unavailable, where the archive or the database is away."""
        await self._note()
        for tenant_id in sorted(self._marked()):
            for _ in range(_MOST_AT_ONCE):
                async with self._uow(tenant_id) as uow:
                    copy = await self._copies(uow).next_pending(self._clock.now())
                if copy is None:
                    break
                await self._copy(copy)

    def _marked(self) -> dict[UUID, set[UUID]]:
        """By tenant, the cameras whose recordings are copied; of removed ones, those that are still there."""
        marked: dict[UUID, set[UUID]] = {}
        for camera in self._cameras.values():
            if camera.recording.offsite:
                marked.setdefault(camera.tenant_id, set()).add(camera.camera_id)
        return marked

    async def _note(self) -> None:
        now, marked = self._clock.monotonic(), self._marked()
        every_one = frozenset(camera_id for cameras in marked.values() for camera_id in cameras)
        if now - self._noted_at < _NOTED_EVERY.total_seconds() and every_one == self._marked_then:
            return
        is_whole = every_one != self._marked_then or now - self._noted_whole_at >= _NOTED_WHOLE_EVERY.total_seconds()
        since = _LONG_AGO if is_whole else self._clock.now() - _LATELY
        noted: dict[UUID, datetime | None] = {}
        waiting = 0
        for tenant_id in {camera.tenant_id for camera in self._cameras.values()}:
            cameras = marked.get(tenant_id, set())
            for camera_id in cameras:  # one by one: all of a disk's rows may take longer than a statement may
                async with self._uow(tenant_id) as uow:
                    await self._copies(uow).note(camera_id, since)
            async with self._uow(tenant_id) as uow:
                copies = self._copies(uow)
                if is_whole:
                    await copies.drop_pending_but(cameras)
                backlog = await copies.backlog()
            noted |= dict.fromkeys(cameras) | {each.camera_id: each.oldest for each in backlog}
            waiting += sum(each.files for each in backlog)
        self._noted, self._marked_then, self._noted_at = noted, every_one, now
        self._noted_whole_at = now if is_whole else self._noted_whole_at
        oldest = min((at for at in noted.values() if at is not None), default=None)
        metrics.uncopied.set(waiting)
        metrics.oldest_uncopied.set(0 if oldest is None else max(0.0, (self._clock.now() - oldest).total_seconds()))

    async def _copy(self, copy: Copy) -> None:
        """Raises: Unavailable."""
        segment, now = copy.segment, self._clock.now()
        path = PurePosixPath(segment.path)
        try:
            sha256 = await self._files.sha256(path)
            if sha256 != segment.sha256:
                await self._give_up(copy, Failure.FILE_CHANGED)
                return
            await self._archive.put(copy.object_key, self._files.chunks(path), segment.size_bytes, sha256)
            stored = await self._archive.verified(copy.object_key)
        except FileNotFoundError:
            await self._give_up(copy, Failure.LOST)
            return
        except (Invalid, NotFound, OSError) as error:  # the object's trouble, or the file's: the others go on
            await self._try_later(copy, now, str(error))
            return
        if not _is_whole(copy, stored):
            await self._try_later(copy, now, "the store has something else")
            return
        async with self._uow(segment.tenant_id) as uow:
            await self._copies(uow).save_copied(copy, stored.storage_class, self._clock.now())
        metrics.copies.labels("copied").inc()
        metrics.copied_bytes.inc(segment.size_bytes)

    async def _give_up(self, copy: Copy, reason: Failure) -> None:
        async with self._uow(copy.segment.tenant_id) as uow:
            await self._copies(uow).save_failed(copy, reason)
        metrics.copies.labels(reason.value).inc()
        log.error("recording_not_copied", path=copy.segment.path, reason=reason.value)

    async def _try_later(self, copy: Copy, now: datetime, reason: str) -> None:
        async with self._uow(copy.segment.tenant_id) as uow:
            await self._copies(uow).save_attempt(copy, now)
        metrics.copies.labels("refused").inc()
        log.warning("copy_refused", path=copy.segment.path, attempts=copy.attempts + 1, reason=reason)


def _is_whole(copy: Copy, stored: Stored) -> bool:
    return (stored.size_bytes, stored.sha256) == (copy.segment.size_bytes, copy.segment.sha256)
