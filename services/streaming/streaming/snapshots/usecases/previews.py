"""Previews: what a timeline shows of recordings while the pointer moves over it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from gtvision.errors import Unavailable
from gtvision.time import Clock
from streaming import metrics
from streaming.snapshots.domain import HOUR, MINUTE, SPRITE_COLUMNS, Thumbnail, sprite_cells, thumbnails_within

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.gateways.sprite_sheets import SpriteSheets

_MOST_ITEMS = 2_000
"""A day has 1,440; a camera that drops out all the time has more files, of which every second, or third, is enough."""
_NAMES_FRESH_S = 5.0
_MOST_NAMES = 16
"""Cameras whose file names are remembered: those of 90 days take 20 MB."""
_MOST_SPRITES = 128
"""About 100 kB each."""
_MOST_WAITING = 32


@dataclass(frozen=True, slots=True)
class Sprite:
    """Pictures of the minutes of an hour. One that `is_final` stays as it is, but for what is deleted."""

    jpeg: bytes = field(repr=False)
    is_final: bool


class Previews:
    """Finds thumbnails and draws sprites of them: one after the other, each once while it is remembered."""

    def __init__(self, files: RecordingsFolder, sheets: SpriteSheets, clock: Clock) -> None:
        self._files, self._sheets, self._clock = files, sheets, clock
        self._names: OrderedDict[UUID, tuple[float, list[str]]] = OrderedDict()
        self._sprites: OrderedDict[tuple[UUID, datetime], tuple[Sequence[PurePosixPath | None], bytes]] = OrderedDict()
        self._turn, self._waiting = asyncio.Lock(), 0

    async def within(self, camera_id: UUID, since: datetime, until: datetime) -> list[Thumbnail]:
        """The thumbnails of the files that begin in the range, oldest first; thinned out where there are too many. Raises: Unavailable."""
        found = thumbnails_within(camera_id, await self._names_of(camera_id), since, until)
        return found[:: -(-len(found) // _MOST_ITEMS) or 1]

    async def sprite(self, camera_id: UUID, hour: datetime, since: datetime, until: datetime) -> Sprite:
        """What the minutes of an hour show; those outside the range are dark. Raises: Unavailable, also where too many wait."""
        begin, end = max(hour - MINUTE, since), min(hour + HOUR, until)
        found = thumbnails_within(camera_id, await self._names_of(camera_id), begin, end) if begin < end else []
        cells = sprite_cells(found, hour)
        if self._waiting >= _MOST_WAITING:
            raise Unavailable("Too many previews are asked for at once.")
        self._waiting += 1
        try:
            async with self._turn:
                jpeg = await self._drawn((camera_id, hour), cells)
        finally:
            self._waiting -= 1
        return Sprite(jpeg, is_final=hour + HOUR + 3 * MINUTE < self._clock.now())

    async def _drawn(self, key: tuple[UUID, datetime], cells: Sequence[PurePosixPath | None]) -> bytes:
        known = self._sprites.get(key)
        if known is None or known[0] != cells:
            with metrics.sprite_seconds.time():
                known = cells, await self._sheets.draw(cells, SPRITE_COLUMNS)
            self._sprites[key] = known
        self._sprites.move_to_end(key)
        if len(self._sprites) > _MOST_SPRITES:
            self._sprites.popitem(last=False)
        return known[1]

    async def _names_of(self, camera_id: UUID) -> list[str]:
        known = self._names.get(camera_id)
        if known is None or self._clock.monotonic() >= known[0]:
            names = await self._files.names(camera_id)
            known = self._names[camera_id] = self._clock.monotonic() + _NAMES_FRESH_S, names
        self._names.move_to_end(camera_id)
        if len(self._names) > _MOST_NAMES:
            self._names.popitem(last=False)
        return known[1]
