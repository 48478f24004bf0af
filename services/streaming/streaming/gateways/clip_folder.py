"""Where clips are made before they go to the object store: a folder of its own, beside the recordings or on another disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from streaming.clips.domain import Made, Piece, Span
from streaming.gateways.clip_cutter import Cut

_ENDS_WITHIN_S = 60.0


class ClipFolder:
    """Unfinished clips. Disk work happens in threads."""

    def __init__(self, recordings: Path, work: Path, max_bytes: int) -> None:
        self._recordings, self._work, self._max_bytes = recordings, work, max_bytes

    async def sweep(self) -> None:
        """Removes what another process has left behind, and sees that the folder is there. Raises: OSError."""
        await asyncio.to_thread(self._sweep)

    async def discard(self, clip_id: UUID) -> None:
        """Removes a clip's file, if it is there. Raises: OSError."""
        await asyncio.to_thread(self._file(clip_id).unlink, missing_ok=True)

    def cut(self, clip_id: UUID, pieces: Sequence[Piece], span: Span) -> Cut:
        """Returns a cut that has not begun."""
        return Cut(self._recordings, self._file(clip_id), pieces, span, self._max_bytes)

    async def run(self, cut: Cut) -> Made:
        """Cuts in a thread. Where this is cancelled, the thread ends first. Raises: CannotCut, OSError."""
        thread = asyncio.ensure_future(asyncio.to_thread(cut.run))
        try:
            return await asyncio.shield(thread)
        finally:
            cut.stop()
            done, _ = await asyncio.wait({thread}, timeout=_ENDS_WITHIN_S)
            for each in done:
                each.exception()  # it was told, or is not wanted any more

    def _file(self, clip_id: UUID) -> Path:
        return self._work / f"{clip_id}.mp4"

    def _sweep(self) -> None:
        self._work.mkdir(parents=True, exist_ok=True)
        for file in self._work.glob("*.mp4"):
            file.unlink(missing_ok=True)
