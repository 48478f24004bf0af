"""Logs: tails, rotation, following over a rotation."""

from __future__ import annotations

import asyncio
from pathlib import Path

from servers import logfiles
from servers.logfiles import LogFile


def test_tails_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("one\n\ntwo\nthree\n")
    assert logfiles.tail(log, 2) == ["two", "three"]
    assert logfiles.last_line(log) == "three"
    assert logfiles.last_line(tmp_path / "missing.log") == ""


def test_rotation_keeps_a_few(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", max_bytes=60, keep=2)
    for word in (b"first", b"second", b"third", b"fourth"):
        log.write(word * 5 + b"\n")
        log.write(word * 5 + b"\n")
    assert log.path.read_bytes() == b"fourth" * 5 + b"\n"
    assert (tmp_path / "a.log.1").read_bytes() == (b"third" * 5 + b"\n") + b"fourth" * 5 + b"\n"
    assert (tmp_path / "a.log.2").exists()
    assert not (tmp_path / "a.log.3").exists()


async def test_follows_over_a_rotation(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("old\n")
    lines = logfiles.follow([log])

    async def next_line() -> str:
        async with asyncio.timeout(180):
            return (await anext(lines))[1]

    waiting = asyncio.create_task(next_line())
    await asyncio.sleep(0)
    with log.open("a") as writer:
        writer.write("new\n")
    assert await waiting == "new"
    LogFile(log, max_bytes=1, keep=1).write(b"x\n")
    assert await next_line() == "x"
    await lines.aclose()  # type: ignore[attr-defined]
