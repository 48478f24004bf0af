"""Logs: tails, rotation, following over a rotation."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gtv import logfiles


def test_tails_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("one\n\ntwo\nthree\n")
    assert logfiles.tail(log, 2) == ["two", "three"]
    assert logfiles.last_line(log) == "three"
    assert logfiles.last_line(tmp_path / "missing.log") == ""


def test_rotation_keeps_a_few_and_the_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as writer:
        for word in (b"first", b"second", b"third"):
            writer.write(word * 10)
            assert logfiles.rotate(log, max_bytes=20, keep=2)
        writer.write(b"fourth")
    assert not logfiles.rotate(log, max_bytes=20, keep=2)
    assert log.read_bytes() == b"fourth"
    assert (tmp_path / "a.log.1").read_bytes() == b"third" * 10
    assert (tmp_path / "a.log.2").read_bytes() == b"second" * 10
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
    logfiles.rotate(log, max_bytes=1, keep=1)
    with log.open("a") as writer:
        writer.write("x\n")
    assert await next_line() == "x"
    await lines.aclose()  # type: ignore[attr-defined]
