"""Log files of the processes: written from their pipes without the secrets of camera addresses, kept below a cap, read by `gtv logs`."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

TAIL_BYTES = 64 * 1024
LONGEST_LINE = 64 * 1024
"""Of a longer line the rest is left out."""
_CHUNK = 64 * 1024

# A camera's user and password may hold anything: all up to the last @ of the word goes, or of the quoted text where a blank is in it.
# Separators stand as they are, escaped for JSON, or percent-encoded once or more. The bounds keep a hostile line from costing seconds.
_PLAIN = rb"rtsps?:(?:\\*/)+"
_ENCODED = rb"rtsps?(?:%(?:25)*3A(?:\\*/|%(?:25)*2F)+|:(?:%(?:25)*2F)+)"
_AT = rb"(?:@|\\u0040)"
_SECRET = re.compile(
    rb"(?i)(" + _PLAIN + rb')(?:\\.|[^\s"\\]){0,2048}' + _AT
    # the blank lies behind user and colon; a port and what follows it are no password
    + rb"|(" + _PLAIN + rb')[^\s"/@:]+:(?!\d{1,5}(?:[/\s"]|$))(?:\\.|[^"\\\n]){0,2048}' + _AT
    + rb"|(" + _ENCODED + rb')(?:\\.|[^\s"\\]){0,8192}(?:@|%(?:25)*40)'
    # databases and brokers: what we made ourselves holds none of the separators
    + rb'|(:(?:\\*/){2})[^\s"/@:\\]*:[^\s"/@\\]+@'
)  # fmt: skip
_SIGNS = (b"@", b"%", b"\\u0040")
"""A line without any of these holds no address with a password."""


def redact(text: bytes) -> bytes:
    """Lines without the user and password of any address in them."""
    if not any(sign in text for sign in _SIGNS):
        return text
    return _SECRET.sub(lambda found: next(filter(None, found.groups())) + b"***@", text)


@dataclass(frozen=True)
class LogFile:
    """The log of one process. A line that is too much for the file moves what is in it to `<name>.1`, and so on to `.keep`."""

    path: Path
    max_bytes: int = 10_000_000
    keep: int = 3

    def copy(self, pipe: IO[bytes]) -> threading.Thread:
        """Writes what comes from a pipe until its end, in a thread of its own: a busy event loop blocks no process."""
        thread = threading.Thread(target=self._copy, args=(pipe,), name=f"log {self.path.stem}", daemon=True)
        thread.start()
        return thread

    def _copy(self, pipe: IO[bytes]) -> None:
        rest = b""
        with pipe:
            while chunk := os.read(pipe.fileno(), _CHUNK):
                whole, newline, rest = (rest + chunk).rpartition(b"\n")
                self.write(whole + newline)
                if len(rest) > 2 * LONGEST_LINE:
                    # its beginning stays until the line ends, so that no address is cut in two
                    rest = rest[: 2 * LONGEST_LINE]
            self.write(rest + b"\n" if rest else b"")

    def write(self, lines: bytes) -> None:
        """Appends whole lines; a full disk loses them, and nothing else."""
        if not lines:
            return
        if len(lines) > LONGEST_LINE:
            lines = b"".join(line if len(line) <= LONGEST_LINE else redact(line)[:LONGEST_LINE] + b"\n" for line in lines.splitlines(True))
        try:
            self._rotate(len(lines))
            with self.path.open("ab", buffering=0) as file:
                file.write(redact(lines))
        except OSError:
            return

    def _rotate(self, coming: int) -> None:
        if not self.path.exists() or self.path.stat().st_size + coming <= self.max_bytes:
            return
        for number in range(self.keep, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number - 1}") if number > 1 else self.path
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{number}"))
        self.path.unlink(missing_ok=True)


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
    try:
        with path.open("rb") as file:
            start = 0 if path.stat().st_size < offset else offset
            file.seek(start)
            data = file.read(1 << 20)
    except FileNotFoundError:
        return "", 0
    end = data.rfind(b"\n") + 1
    return data[:end].decode(errors="replace"), start + end
