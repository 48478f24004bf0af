"""Thumbnails put together into sprites, by Pillow."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PIL import Image, ImageOps

from gtvision.errors import Unavailable

CELL_PX = (160, 90)
_DARK = (17, 17, 17)
_QUALITY = 70
_TIMEOUT_S = 10.0


class SpriteSheets:
    """Reads thumbnails and draws them in threads."""

    def __init__(self, root: Path) -> None:
        """`root` is the recordings folder."""
        self._root = root

    async def draw(self, cells: Sequence[PurePosixPath | None], columns: int) -> bytes:
        """Returns a JPEG of the thumbnails, row by row. A cell without one is dark, or whose file is gone. Raises: Unavailable."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await asyncio.to_thread(self._draw, cells, columns)
        except TimeoutError:
            raise Unavailable("The recordings folder does not answer.") from None

    def _draw(self, cells: Sequence[PurePosixPath | None], columns: int) -> bytes:
        width, height = CELL_PX
        sheet = Image.new("RGB", (columns * width, -(-len(cells) // columns) * height), _DARK)
        for number, path in enumerate(cells):
            cell = _cell(self._root / path) if path is not None else None
            if cell is not None:
                left, top = number % columns * width, number // columns * height
                sheet.paste(cell, (left + (width - cell.width) // 2, top + (height - cell.height) // 2))
        data = io.BytesIO()
        sheet.save(data, "JPEG", quality=_QUALITY)
        return data.getvalue()


def _cell(path: Path) -> Image.Image | None:
    """A thumbnail as large as fits into a cell."""
    try:
        with Image.open(path, formats=("JPEG",)) as picture:
            picture.draft("RGB", CELL_PX)
            return ImageOps.contain(picture.convert("RGB"), CELL_PX, Image.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
