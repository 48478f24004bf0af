"""What happens to copies afterwards: now and then one is read back whole, and each goes when it has been kept for its days."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from city.trusted_time import TrustedNow
from gtvision.errors import Invalid, NotFound
from gtvision.ids import new_id
from streaming import metrics
from streaming.archive.domain import Copy, CopyState, Failure, keeping
from streaming.archive.usecases.copying import Copies
from streaming.recordings.domain import Look, Segment, SegmentFile
from streaming.retention.domain import CitySettings, HeldSpans
from streaming.streams.domain import DesiredCamera
from streaming.tombstones.domain import Policy, bury

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.gateways.s3_archive import S3Archive
    from streaming.retention.repository import PostgresHolds
    from streaming.tombstones.repository import PostgresTombstones

log = get_logger(__name__)

_MOST_AT_ONCE = 20
"""So many copies are looked at under one lock, for which a person who places a hold waits."""
_UNDER_LOCK = timedelta(seconds=30)
"""PostgreSQL ends a transaction, and with it the lock, that was idle for 60 s."""


class CopyUpkeep:
    """Reads copies back, and deletes them in their time."""

    def __init__(  # noqa: PLR0913 - what upkeep needs
        self,
        uow: UowFactory,
        copies: Copies,
        holds: Callable[[UnitOfWork], PostgresHolds],
        tombstones: Callable[[UnitOfWork], PostgresTombstones],
        files: RecordingsFolder,
        archive: S3Archive,
        *,
        settings: CitySettings,
        trusted_now: TrustedNow,
    ) -> None:
        self._uow, self._copies, self._holds, self._tombstones = uow, copies, holds, tombstones
        self._files, self._archive, self._settings, self._trusted_now = files, archive, settings, trusted_now
        self._cameras: Mapping[UUID, DesiredCamera] = {}

    async def follow(self, look: Look) -> None:
        """Learns which cameras there are."""
        self._cameras = look.cameras

    async def expire(self) -> None:
        """Deletes the copies that have been kept for the days of their camera or their city, and are not held. Raises: Unavailable."""
        now = await self._trusted_now()
        for camera in list(self._cameras.values()):
            policy, after = keeping(camera, self._settings(camera.tenant_id)), None
            while True:
                after = await self._expire_some(camera, policy, now, after)
                if after is None:
                    break

    async def _expire_some(self, camera: DesiredCamera, policy: Policy, now: datetime, after: Copy | None) -> Copy | None:
        """Deletes copies under the lock that a hold is placed under: a hold that a person was told of is known here. Returns the last that
        was looked at; None: there are no more."""
        async with self._uow(camera.tenant_id) as locked, asyncio.timeout(_UNDER_LOCK.total_seconds()):
            holds = self._holds(locked)
            await holds.lock()
            held = HeldSpans(await holds.active(await self._trusted_now()))
            old = await self._copies(locked).older(camera.camera_id, now - timedelta(days=policy.value), after, _MOST_AT_ONCE)
            for copy in old:
                if not held.cover(camera.tenant_id, _file_of(copy.segment)):
                    await self._delete(copy, policy, now)
        return old[-1] if old else None

    async def _delete(self, copy: Copy, policy: Policy, now: datetime) -> None:
        """The object first, so that none stays behind that nobody knows of; also that of a copy which was found to be changed. A good copy
        leaves a tombstone."""
        try:
            await self._archive.delete(copy.object_key)
        except Invalid as error:  # as where the bucket locks its objects for longer
            log.warning("copy_not_deleted", key=copy.object_key, reason=error.message)
            return
        segment = copy.segment
        async with self._uow(segment.tenant_id) as uow:
            was_there = await self._copies(uow).forget(copy)
            if was_there and copy.state is CopyState.COPIED:
                repository = self._tombstones(uow)
                last = await repository.near(segment.camera_id, policy, segment.started_at)
                tombstones = [last] if last else []
                bury(tombstones, [segment], policy, now, new_id)
                await repository.put(tombstones)
        metrics.copies.labels("expired").inc()
        log.info("copy_deleted", key=copy.object_key, size_bytes=copy.segment.size_bytes)

    async def read_one_back(self) -> None:
        """Reads a copy that chance picks, whole, and compares it with its hash. Raises: Unavailable."""
        copy = await self._any()
        if copy is None:
            return
        try:
            if (await self._archive.head(copy.object_key)).is_cold:
                return
            found = await self._archive.sha256(copy.object_key)
        except (Invalid, NotFound) as error:
            metrics.copies_read.labels("missing").inc()
            log.error("copy_missing", key=copy.object_key, reason=error.message)
            return
        if found == copy.segment.sha256:
            metrics.copies_read.labels("good").inc()
            return
        metrics.copies_read.labels("changed").inc()
        log.error("copy_changed", key=copy.object_key)
        is_here = await self._files.has(PurePosixPath(copy.segment.path), copy.segment.size_bytes)
        async with self._uow(copy.segment.tenant_id) as uow:
            if is_here:
                await self._copies(uow).save_pending(copy)
            else:
                await self._copies(uow).save_failed(copy, Failure.COPY_CHANGED)

    async def _any(self) -> Copy | None:
        marked = [camera for camera in self._cameras.values() if camera.recording.offsite]
        if not marked:
            return None
        camera = random.choice(marked)  # noqa: S311 - a sample
        async with self._uow(camera.tenant_id) as uow:
            copies = self._copies(uow)
            ends = await copies.range_of_copies(camera.camera_id)
            if ends is None:
                return None
            return await copies.copied_near(camera.camera_id, ends[0] + random.random() * (ends[1] - ends[0]))  # noqa: S311


def _file_of(segment: Segment) -> SegmentFile:
    """The file as it was on the disk."""
    return SegmentFile(PurePosixPath(segment.path), segment.camera_id, segment.started_at, segment.size_bytes, segment.ended_at)
