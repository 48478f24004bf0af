"""Log files of the processes: read by `gtv logs`, kept below a cap.

A process writes straight into its file (append mode), so a stalled supervisor never blocks it. Rotation therefore copies and truncates:
at worst the few lines that were written in between are lost.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

TAIL_BYTES = 64 * 1024


def last_line(path: Path) -> str:
    """The last line that is not empty, at most 300 characters; empty where there is none."""
    lines = tail(path, 1)
    return lines[0][:300] if lines else ""


def tail(path: Path, count: int) -> list[str]:
    """The last `count` lines that are not empty, of the last 64 KiB."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - max(TAIL_BYTES, count * 300)))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]


def rotate(path: Path, *, max_bytes: int, keep: int) -> bool:
    """Move what is in the file to `<name>.1` (and so on to `.keep`) once it is too large. Returns whether it was."""
    try:
        if path.stat().st_size <= max_bytes:
            return False
    except OSError:
        return False
    for number in range(keep - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    if keep > 0:
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)
    return True


def rotate_all(folder: Path, *, max_bytes: int, keep: int) -> None:
    """Rotate every log of a folder that needs it."""
    for path in folder.glob("*.log"):
        rotate(path, max_bytes=max_bytes, keep=keep)


async def follow(paths: Iterable[Path]) -> AsyncIterator[tuple[Path, str]]:
    """Lines as they are written to any of the files, from now on; goes on over a rotation."""
    offsets = {path: path.stat().st_size if path.exists() else 0 for path in paths}
    while True:
        for path, offset in offsets.items():
            chunk, offsets[path] = _read_from(path, offset)
            for line in chunk.splitlines():
                yield path, line
        await asyncio.sleep(0.3)


def _read_from(path: Path, offset: int) -> tuple[str, int]:
    """Whole lines after the offset, and where they end."""
    if not path.exists():
        return "", 0
    with path.open("rb") as file:
        start = 0 if path.stat().st_size < offset else offset
        file.seek(start)
        data = file.read(1 << 20)
    end = data.rfind(b"\n") + 1
    return data[:end].decode(errors="replace"), start + end
