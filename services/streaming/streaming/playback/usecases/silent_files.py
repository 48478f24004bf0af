"""Recorded files without their sound, made while they are sent."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gtvision.camera import path_name
from gtvision.errors import Invalid
from streaming.playback.domain import NoRecording, PlaybackSession
from streaming.playback.parts import FREE, silent
from streaming.playback.usecases.playlists import Playlists

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder

_CHUNK = 262_144
_MAX_KNOWN = 500
_AT_ONCE = 4
"""Chunks that are read at once: viewers of such files share the process with the recorder."""


class SilentFiles:
    """Sends files whose sound browsers cannot play. Nothing is written, and what is read at once is bounded."""

    def __init__(self, playlists: Playlists, files: RecordingsFolder) -> None:
        self._playlists, self._files = playlists, files
        self._known: OrderedDict[PurePosixPath, tuple[tuple[int, int], list[int]]] = OrderedDict()
        self._few = asyncio.Semaphore(_AT_ONCE)

    async def size(self, session: PlaybackSession, name: str) -> int:
        """Of a file, by its name without suffix, in bytes. Raises: OutsideSession, NoRecording."""
        await self._playlists.check(session, name)
        return (await self._marks(_path(session, name)))[0][0]

    async def read(self, session: PlaybackSession, name: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yields the bytes from `start` to before `end`. Raises: NoRecording, OSError."""
        path = _path(session, name)
        _, marks = await self._marks(path)
        while start < end:
            async with self._few:
                data = await self._files.read_range(path, start, min(_CHUNK, end - start))
            if not data:
                return
            near = marks[bisect_left(marks, start - len(FREE) + 1) : bisect_left(marks, start + len(data))]
            yield silent(data, start, near)
            start += len(data)

    async def _marks(self, path: PurePosixPath) -> tuple[tuple[int, int], list[int]]:
        try:
            version = await self._files.version(path)
            known = self._known.get(path)
            if known is None or known[0] != version:
                known = self._known[path] = version, await self._files.sound_marks(path)
        except (Invalid, OSError):
            raise NoRecording from None
        self._known.move_to_end(path)
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        return known


def _path(session: PlaybackSession, name: str) -> PurePosixPath:
    return PurePosixPath(path_name(session.camera_id), f"{name}.mp4")
