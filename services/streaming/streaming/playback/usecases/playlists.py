"""Playlists over recorded files: from the index, and from the files themselves where it does not have them yet."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from gtvision.camera import path_name
from gtvision.errors import Invalid, Unavailable
from gtvision.time import Clock
from streaming import metrics
from streaming.playback.domain import IndexedFile, NoRecording, OutsideSession, PlaybackSession, PlayedFile, playlist
from streaming.recordings.domain import CameraFiles, Look, SegmentFile, parse_segment_path
from streaming.recordings.parts import Parts

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.playback.repository import PostgresPlayedFiles

_LATELY = timedelta(hours=1)
"""Older files are in the index, or will be once the agent has caught up."""
_UNSEEN = timedelta(seconds=10)
"""A new file may be so old before a look at the folder finds it."""
_AT_ONCE = 2
_TIMEOUT_S = 30.0
_MAX_PARSED = 2_000
_MOMENT = timedelta(microseconds=1)


class Playlists:
    """Makes playlists, and knows which files belong to a session."""

    def __init__(
        self,
        uow: UowFactory,
        index: Callable[[UnitOfWork], PostgresPlayedFiles],
        files: RecordingsFolder,
        clock: Clock,
        idle_after: timedelta,
    ) -> None:
        """A file that was not written for `idle_after` counts as finished."""
        self._uow, self._index, self._files, self._clock, self._idle_after = uow, index, files, clock, idle_after
        self._known: Mapping[UUID, CameraFiles] = {}
        self._parsed: OrderedDict[PurePosixPath, tuple[tuple[int, int], Parts | None]] = OrderedDict()
        self._few = asyncio.Semaphore(_AT_ONCE)

    async def follow(self, look: Look) -> None:
        """Learns which files there are."""
        self._known = look.files

    def _lately(self, camera_id: UUID) -> list[SegmentFile]:
        """A camera's files that were written within the last hour, oldest first."""
        files = self._known.get(camera_id)
        return [] if files is None else files.written_since(self._clock.now() - _LATELY)

    async def of(self, session: PlaybackSession, since: datetime | None = None, until: datetime | None = None) -> str:
        """Returns the playlist of the session's range, or of a part of it. Raises: Invalid, NoRecording, Unavailable."""
        begin, end = session.narrowed(since, until)
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._few:
                with metrics.playlist_seconds.time():
                    return await self._made(session, begin, end)
        except TimeoutError:
            raise Unavailable("The recordings do not answer in time.") from None

    async def check(self, session: PlaybackSession, name: str) -> None:
        """Whether a file, by its name without suffix, shows something of the session's range. Raises: OutsideSession."""
        path = PurePosixPath(path_name(session.camera_id), f"{name}.mp4")
        parsed = parse_segment_path(path)
        if parsed is None or parsed[1] >= session.until:
            raise OutsideSession
        if parsed[1] >= session.since:
            return
        # It begins before the range: it has to be the one that reaches into it.
        if any(file.path == path and file.modified_at > session.since for file in self._lately(session.camera_id)):
            return
        if path not in {file.path for file in await self._indexed(session, session.since, session.since + _MOMENT)}:
            raise OutsideSession

    async def _made(self, session: PlaybackSession, since: datetime, until: datetime) -> str:
        indexed = await self._indexed(session, since, until)
        known = {file.path for file in indexed}
        lately = [file for file in self._lately(session.camera_id) if file.path not in known and file.started_at < until]
        late, is_complete = await self._late(lately, until)
        missing = {file.path: await self._parts(file.path) for file in indexed if file.parts is None}
        # in a thread: of a day these are some ten thousand groups
        return await asyncio.to_thread(_assembled, (indexed, missing, late), since, until, is_complete)

    async def _indexed(self, session: PlaybackSession, since: datetime, until: datetime) -> list[IndexedFile]:
        async with self._uow(session.tenant_id) as uow:
            return await self._index(uow).between(session.camera_id, since, until)

    async def _late(self, files: Sequence[SegmentFile], until: datetime) -> tuple[list[PlayedFile], bool]:
        """The files that are not in the index yet, and whether nothing more can come before `until`."""
        now, played = self._clock.now(), []
        is_complete = until <= now - _UNSEEN
        for file in files:
            parts = await self._parts(file.path)
            if parts is None:
                continue
            is_growing = file is files[-1] and now - file.modified_at < self._idle_after
            if is_growing:
                parts = replace(parts, groups=parts.groups[:-1])  # the last one may still grow
            shown = PlayedFile(file.path.name, file.started_at, parts)
            played.append(shown)
            if is_growing:
                is_complete = shown.ends_at >= until
        return played, is_complete

    async def _parts(self, path: PurePosixPath) -> Parts | None:
        """None where the file is gone or cannot be read. Read again only where the file has changed."""
        try:
            version = await self._files.version(path)
            known = self._parsed.get(path)
            if known is None or known[0] != version:
                known = self._parsed[path] = version, await self._files.parts(path)
        except (Invalid, OSError):
            return None
        self._parsed.move_to_end(path)
        if len(self._parsed) > _MAX_PARSED:
            self._parsed.popitem(last=False)
        return known[1]


def _assembled(
    found: tuple[Sequence[IndexedFile], Mapping[PurePosixPath, Parts | None], Sequence[PlayedFile]],
    since: datetime,
    until: datetime,
    is_complete: bool,
) -> str:
    indexed, missing, late = found
    played = list(late)
    for file in indexed:
        parts = missing.get(file.path) if file.parts is None else _decoded(file.parts)
        parsed = parse_segment_path(file.path)
        if parts is not None and parsed is not None:
            played.append(PlayedFile(file.path.name, parsed[1], parts))
    if not played:
        raise NoRecording
    return playlist(sorted(played, key=lambda file: file.at), since, until, is_complete=is_complete)


def _decoded(data: bytes) -> Parts | None:
    try:
        return Parts.decoded(data)
    except Invalid:
        return None
