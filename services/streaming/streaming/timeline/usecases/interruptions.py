"""Interruptions by the streams: they follow the reconciler's judgement, and write down when it was there to judge."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.errors import Unavailable
from gtvision.events import StreamCause
from gtvision.ids import new_id
from streaming.streams.domain import Connections, Judgement
from streaming.timeline.domain import Interruption, Source, ailment_of, cause_of, why_unrecorded

if TYPE_CHECKING:
    from streaming.timeline.repository import PostgresInterruptions, PostgresWatches

log = get_logger(__name__)

_WRITTEN_EVERY = timedelta(seconds=5)
_BREAK = timedelta(seconds=30)
"""A look takes some seconds, more where the media server hangs. Where there was none for so long, nobody watched."""
_SAME = timedelta(seconds=60)
"""A camera that drops out again within this time is interrupted still: one that reconnects all day is no row a time."""

_FAREWELL = timedelta(seconds=3)
"""So long may it take to write down the end: a process that is to stop is killed after a while."""

_OF_THE_RECORDER = frozenset({StreamCause.NOT_RECORDED, StreamCause.DISK_FULL, StreamCause.CLOCK_JUMPED})
"""While the recording is ill anyway, our own making anew of the path is no interruption."""
_BURST = timedelta(seconds=2)
"""Cameras begin with pictures that they had kept: by its pictures a recording may end so much later than by the clock."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One change to be stored: `ended_at` of a new or a known interruption."""

    interruption: Interruption
    is_new: bool
    ended_at: datetime | None


class StreamInterruptions:
    """Knows why cameras cannot be recorded, by their settings and by the progress of their streams."""

    def __init__(
        self, uow: UowFactory, repository: Callable[[UnitOfWork], PostgresInterruptions], watches: PostgresWatches, node: str
    ) -> None:
        self._uow, self._repository, self._watches, self._node = uow, repository, watches, node
        self._open: dict[UUID, Interruption] = {}
        self._is_loaded = False
        self._dips: dict[UUID, tuple[datetime, StreamCause]] = {}
        """Cameras whose last looks showed no picture, but not for long: since when, and why."""
        self._last: dict[UUID, tuple[Interruption, datetime]] = {}
        """Each camera's last short interruption, and its end."""
        self._watch: tuple[datetime, datetime] | None = None
        self._connections = Connections()

    async def follow(self, judged: Sequence[Judgement], now: datetime) -> None:
        """Stores what changed, and that it was watched. What fails is made up for at the next look. Raises: Unavailable."""
        if not self._is_loaded:
            self._open = {each.camera_id: each for each in await self._watches.open_interruptions(Source.STREAM)}
            self._is_loaded = True
        steps = [step for judgement in judged for step in self._steps(judgement, now)]
        here = {judgement.camera.camera_id for judgement in judged}
        steps += [_Step(gone, False, now) for camera_id, gone in self._open.items() if camera_id not in here]
        for tenant_id, own in _by_tenant(steps).items():
            async with self._uow(tenant_id) as uow:
                for step in own:
                    await self._store(self._repository(uow), step)
            for step in own:
                self._remember(step)
        await self._write_watch(now)
        self._connections.look(judged, now)

    async def stop(self, now: datetime) -> None:
        """Writes down that it is watched no more, and that this is on purpose. A database that is away keeps nobody from ending."""
        if self._watch is None or now - self._watch[1] > _BREAK:
            return
        begun, written = self._watch
        try:
            async with asyncio.timeout(_FAREWELL.total_seconds()):
                await self._watches.extend(self._node, begun, max(now, written), stopped=True)
        except (Unavailable, TimeoutError):
            log.warning("stop_not_written")

    async def ailments(self) -> dict[UUID, StreamCause]:
        """What is wrong with cameras whose stream advances: it breaks off too often, or the recorder agent stored what it saw.

        Raises: Unavailable.
        """
        stopped = {each.camera_id: ailment_of(each) for each in await self._watches.open_interruptions(Source.RECORDER)}
        ill = {
            each.camera_id: ailment_of(each) for each in await self._watches.open_interruptions(Source.PICTURES) if not self._is_over(each)
        }
        return ill | dict.fromkeys(self._connections.unstable, StreamCause.UNSTABLE) | stopped

    def _is_over(self, ill: Interruption) -> bool:
        """What a jump of the clock did ends with the connection; a recording that broke off with the connection is no such jump.

        Whether a clock is unsteady is judged by a minute. Where the connection is younger, the camera's coming back may be all that is
        missing.
        """
        if ill.detail == StreamCause.CLOCK_UNSTEADY.value:
            return ill.camera_id in self._connections.young and self._connections.is_later(ill.camera_id, ill.started_at)
        return ill.detail == StreamCause.CLOCK_JUMPED.value and self._connections.is_later(ill.camera_id, ill.started_at - _BURST)

    def _steps(self, judgement: Judgement, now: datetime) -> list[_Step]:
        """An interruption begins with the last progress before it, and ends with the first after it."""
        camera, before, after = judgement.camera, judgement.before, judgement.after
        known, why = self._open.get(camera.camera_id), why_unrecorded(camera, after)
        dip = self._dip(judgement, now)
        if known is not None and why == (known.cause, known.detail):
            return []
        if why is None and StreamCause.UNREACHABLE.value in {known and known.detail, dip and dip[1].value}:
            self._connections.came_back(camera.camera_id, now)
        steps = [_Step(known, False, now)] if known is not None else []
        if why is not None:
            start = now if known is not None else min(before.progressed_at or now, now)
            return [*steps, _Step(Interruption(camera.tenant_id, camera.camera_id, start, new_id(), *why), True, None)]
        if known is None and dip is not None:
            steps.append(self._short(judgement, *dip, now))
        return steps

    def _dip(self, judgement: Judgement, now: datetime) -> tuple[datetime, StreamCause] | None:
        """A short interruption that is over with this look. Another connection is known by its instant, or by a counter that goes back."""
        before, after, status = judgement.before, judgement.after, judgement.status
        camera_id, since = before.camera_id, before.progressed_at
        if status is None or not status.available:
            if since is not None:
                cause = StreamCause.MEDIA_SERVER_DOWN if status is None else StreamCause.UNREACHABLE
                self._dips.setdefault(camera_id, (since, cause))
            return None
        if after.progressed_at != now:
            return None
        known = self._dips.pop(camera_id, None)
        if after.cause in _OF_THE_RECORDER:
            return None
        is_another = before.connected_at is not None and status.connected_at not in {None, before.connected_at}
        if known is None and since is not None and (is_another or status.inbound_bytes < before.last_bytes):
            return since, StreamCause.UNREACHABLE
        return known

    def _short(self, judgement: Judgement, since: datetime, cause: StreamCause, now: datetime) -> _Step:
        camera = judgement.camera
        last = self._last.get(camera.camera_id)
        if last is not None and since - last[1] <= _SAME and last[0].detail == cause.value:
            return _Step(last[0], False, now)
        return _Step(Interruption(camera.tenant_id, camera.camera_id, since, new_id(), cause_of(cause), cause.value), True, now)

    async def _store(self, repository: PostgresInterruptions, step: _Step) -> None:
        if step.is_new:
            await repository.open(step.interruption, Source.STREAM, step.ended_at)
        elif step.ended_at is not None:
            await repository.end(step.interruption, step.ended_at)

    def _remember(self, step: _Step) -> None:
        camera_id = step.interruption.camera_id
        if step.ended_at is None:
            self._open[camera_id] = step.interruption
        elif self._open.get(camera_id) == step.interruption:
            del self._open[camera_id]
        else:
            self._last[camera_id] = step.interruption, step.ended_at

    async def _write_watch(self, now: datetime) -> None:
        begun, written = self._watch or (now, None)
        if written is not None and now - written < _WRITTEN_EVERY:
            return
        if written is not None and now - written > _BREAK:
            begun = now
        await self._watches.extend(self._node, begun, now)
        self._watch = begun, now


def _by_tenant(steps: Iterable[_Step]) -> dict[UUID, list[_Step]]:
    found: defaultdict[UUID, list[_Step]] = defaultdict(list)
    for step in steps:
        found[step.interruption.tenant_id].append(step)
    return found
