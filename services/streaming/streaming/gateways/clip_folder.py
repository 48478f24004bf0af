"""Where clips are made before they go to the object store: a folder of its own, beside the recordings or on another disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from gtvision.time import Clock
from streaming.clips.domain import Made, NoRoom, Piece, Span
from streaming.gateways.clip_cutter import Cut

_ENDS_WITHIN_S = 60.0
_WANTED_FOR_S = 60.0
"""A cut without room is tried again sooner, unless it was given up."""


class ClipFolder:
    """Unfinished clips. Disk work happens in threads."""

    def __init__(self, recordings: Path, work: Path, clock: Clock, *, max_bytes: int, free_floor: float) -> None:
        """A clip has so many bytes at most, and leaves that share of its disk (0..1) free while it is made."""
        self._recordings, self._work, self._clock, self._max_bytes, self._free_floor = recordings, work, clock, max_bytes, free_floor
        self._shares_disk = False
        self._cut: Cut | None = None
        self._wanted, self._wanted_until = 0, float("-inf")

    def wanted_bytes(self) -> int:
        """What the clip that is cut, or found no room just now, takes of the recordings' disk beside what is to stay free."""
        if not self._shares_disk:
            return 0
        if self._cut is not None:
            return self._cut.bytes_left
        return self._wanted if self._clock.monotonic() < self._wanted_until else 0

    async def sweep(self) -> None:
        """Removes what another process has left behind, and sees that the folder is there. Raises: OSError."""
        await asyncio.to_thread(self._sweep)

    async def discard(self, clip_id: UUID) -> None:
        """Removes a clip's file, if it is there. Raises: OSError."""
        await asyncio.to_thread(self._file(clip_id).unlink, missing_ok=True)

    def cut(self, clip_id: UUID, pieces: Sequence[Piece], span: Span) -> Cut:
        """Returns a cut that has not begun."""
        return Cut(self._recordings, self._file(clip_id), pieces, span, max_bytes=self._max_bytes, free_floor=self._free_floor)

    async def run(self, cut: Cut) -> Made:
        """Cuts in a thread. Where this is cancelled, the thread ends first. Raises: CannotCut, NoRoom, OSError."""
        self._cut, self._wanted = cut, 0
        thread = asyncio.ensure_future(asyncio.to_thread(cut.run))
        try:
            return await asyncio.shield(thread)
        except NoRoom as error:
            self._wanted, self._wanted_until = error.wanted_bytes, self._clock.monotonic() + _WANTED_FOR_S
            raise
        finally:
            self._cut = None
            cut.stop()
            done, _ = await asyncio.wait({thread}, timeout=_ENDS_WITHIN_S)
            for each in done:
                each.exception()  # it was told, or is not wanted any more

    def _file(self, clip_id: UUID) -> Path:
        return self._work / f"{clip_id}.mp4"

    def _sweep(self) -> None:
        self._work.mkdir(parents=True, exist_ok=True)
        self._shares_disk = self._work.stat().st_dev == self._recordings.stat().st_dev
        for file in self._work.glob("*.mp4"):
            file.unlink(missing_ok=True)
