"""Deletion: what follows each look at the recordings, beside the media server."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from city.trusted_time import TrustedNow
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from streaming import metrics
from streaming.recordings.domain import GENESIS, Look, Segment, SegmentFile, Undeleted, segment_id_of
from streaming.retention.domain import (
    CitySettings,
    Doomed,
    HeldSpans,
    HeldState,
    Limits,
    Rules,
    Spared,
    limits_of_cities,
    to_delete,
)
from streaming.tombstones.domain import bury

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.recordings.repository import PostgresSegments
    from streaming.retention.repository import PostgresHeld, PostgresHolds
    from streaming.tombstones.repository import PostgresTombstones

log = get_logger(__name__)

_MOST_PER_LOOK = 500
"""So many files are deleted between two looks, so that indexing goes on. 250 cameras write twelve in the three seconds of a look."""
_MOST_AT_ONCE = 100
"""So many are deleted under one lock, for which a person who places a hold waits."""
_UNDER_LOCK = timedelta(seconds=30)
"""PostgreSQL ends a transaction, and with it the lock, that was idle for 60 s."""
_ONE_FILE = timedelta(seconds=10)
"""A disk that fails answers late, and must not use up the lock's time for one file."""


Went = Callable[[UnitOfWork, Collection[UUID]], Awaitable[None]]
"""Is told which segments' files go, in the transaction in which their rows do."""


class Retention:
    """Deletes recordings by age, by their cities' limits, by quota and by free space, and nothing that is held."""

    def __init__(  # noqa: PLR0913 - what deleting needs
        self,
        uow: UowFactory,
        segments: Callable[[UnitOfWork], PostgresSegments],
        holds: Callable[[UnitOfWork], PostgresHolds],
        tombstones: Callable[[UnitOfWork], PostgresTombstones],
        held: PostgresHeld,
        files: RecordingsFolder,
        *,
        trusted_now: TrustedNow,
        limits: Limits,
        settings: CitySettings,
        spared: Spared | None = None,
        went: Went | None = None,
        wanted: Callable[[], int] = lambda: 0,
        most_per_look: int = _MOST_PER_LOOK,
    ) -> None:
        """`wanted` tells how many bytes of the disk others are about to take beside the floor."""
        self._uow, self._segments, self._holds, self._tombstones = uow, segments, holds, tombstones
        self._held, self._files, self._limits, self._settings, self._most_per_look = held, files, limits, settings, most_per_look
        self._trusted_now, self._spared, self._wanted = trusted_now, spared or Spared(), wanted
        self._went, self._undeleted = went, Undeleted()
        self.held_state = HeldState()
        """What holds did to the last look."""

    async def follow(self, look: Look) -> None:
        """Deletes what has to go, so many files at most. What is too old, and which hold has ended, is judged by the trusted time, whatever
        this machine's clock says.

        Raises: Unavailable, also where a file cannot be deleted, once all had a turn.
        """
        total, free = await self._files.disk()
        spare = free - int(total * self._limits.free_floor)
        now = min(look.now, await self._trusted_now())
        held = HeldSpans(await self._held.all(now))
        self._undeleted.begin(look.files, look.now)
        rules = Rules(
            self._limits,
            missing_free_bytes=max(0, -spare),
            cities=limits_of_cities(look, self._settings),
            held=held,
            spared=self._spared,
            stuck=self._undeleted.waits,
            wanted_bytes=max(0, self._wanted() - max(0, spare)),
        )
        doomed, held_state = await asyncio.to_thread(to_delete, replace(look, now=now), rules, self._most_per_look)
        self._tell(held_state)
        by_tenant: defaultdict[UUID | None, list[Doomed]] = defaultdict(list)
        for each in doomed:
            camera = look.cameras.get(each.file.camera_id)
            by_tenant[camera.tenant_id if camera else None].append(each)
        failed: list[Doomed] = []
        for tenant_id, own in by_tenant.items():
            own.sort(key=_kind)  # what goes together costs three statements, however many files it is
            for first in range(0, len(own), _MOST_AT_ONCE):
                failed += await self._delete(tenant_id, own[first : first + _MOST_AT_ONCE], look.now, now)
        if failed:
            log.error("recordings_not_deleted", files=len(failed), first=str(failed[0].file.path))
            raise Unavailable("Some recordings cannot be deleted.")

    def _tell(self, held_state: HeldState) -> None:
        was_full, self.held_state = self.held_state.is_full, held_state
        metrics.held_bytes.set(sum(held_state.held_bytes.values()))
        metrics.full_of_held.set(held_state.is_full)
        if held_state.is_full and not was_full:
            log.error("disk_full_of_held", held_bytes={str(city): size for city, size in held_state.held_bytes.items()})
        elif was_full and not held_state.is_full:
            log.info("disk_no_longer_full_of_held")

    async def _delete(self, tenant_id: UUID | None, doomed: Sequence[Doomed], now: datetime, trusted_now: datetime) -> list[Doomed]:
        """Deletes files of one tenant, under the lock that a hold is placed under: a hold that a person was told of is known here. Returns
        those that could not be deleted.

        First the rows go and the tombstones come, then the files go: an agent that is stopped in between finds the files, deletes them
        again, and knows that they have tombstones. Files of cameras that are not known have no tenant, and so neither holds of their own
        nor rows.
        """
        if tenant_id is None:
            return await self._remove(doomed, now)
        async with self._uow(tenant_id) as locked, asyncio.timeout(_UNDER_LOCK.total_seconds()):
            holds = self._holds(locked)
            await holds.lock()
            held = HeldSpans(await holds.active(trusted_now))
            free = [each for each in doomed if not held.cover(tenant_id, each.file)]
            async with self._uow(tenant_id) as uow:
                for own in _by_camera_and_policy(free):
                    await self._bury(uow, own, now)
            failed = await self._remove(free, now)
            gone = {segment_id_of(each.file.path) for each in free} - {segment_id_of(each.file.path) for each in failed}
            async with self._uow(tenant_id) as uow:
                await self._tombstones(uow).forget_buried(gone)
            return failed

    async def _bury(self, uow: UnitOfWork, doomed: Sequence[Doomed], now: datetime) -> None:
        """Puts a tombstone in the place of rows, of one camera and policy, oldest first."""
        camera_id, policy, files = doomed[0].file.camera_id, doomed[0].policy, [each.file for each in doomed]
        indexed = {row.segment_id: row for row in await self._segments(uow).forget_all(camera_id, files)}
        found = [indexed.get(segment_id_of(file.path)) or _not_indexed(uow, file) for file in files]
        segment_ids = [segment.segment_id for segment in found]
        if self._went is not None:
            await self._went(uow, segment_ids)
        repository = self._tombstones(uow)
        unburied = await repository.add_buried(segment_ids)
        segments = [segment for segment in found if segment.segment_id in unburied]
        if not segments:
            return
        last = await repository.near(camera_id, policy, segments[0].started_at)
        tombstones = [last] if last else []
        bury(tombstones, segments, policy, now, new_id)
        await repository.put(tombstones)

    async def _remove(self, doomed: Sequence[Doomed], now: datetime) -> list[Doomed]:
        """Returns which could not be deleted: one such file must not keep the others."""
        failed = []
        for each in doomed:
            try:
                async with asyncio.timeout(_ONE_FILE.total_seconds()):
                    await self._files.delete(each.file.path)
            except (Unavailable, TimeoutError):
                metrics.undeleted.inc()
                self._undeleted.failed(each.file, now)
                failed.append(each)
                continue
            self._undeleted.went(each.file)
            metrics.deleted_bytes.inc(each.file.size_bytes)
            log.info("recording_deleted", path=str(each.file.path), size_bytes=each.file.size_bytes, reason=each.policy.reason.value)
        return failed


def _kind(each: Doomed) -> tuple[str, str, float]:
    return str(each.file.camera_id), each.policy.reason.value, each.policy.value


def _by_camera_and_policy(doomed: Sequence[Doomed]) -> Iterator[list[Doomed]]:
    for _, own in groupby(sorted(doomed, key=lambda each: (_kind(each), each.file.started_at)), key=_kind):
        yield list(own)


def _not_indexed(uow: UnitOfWork, file: SegmentFile) -> Segment:
    """What is known of a file in which nothing could be played, or that goes before it was indexed: no hash."""
    end = max(file.modified_at, file.started_at)
    tenant_id = uow.tenant_id or UUID(int=0)
    return Segment(
        segment_id_of(file.path),
        tenant_id,
        file.camera_id,
        str(file.path),
        file.started_at,
        end,
        file.size_bytes,
        GENESIS,
        GENESIS,
        GENESIS,
    )
