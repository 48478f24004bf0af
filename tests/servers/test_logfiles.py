"""Tests of log files: their tails, rotation, and following them over a rotation."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

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


PASSWORDS = (
    *("hunter2", "p@ss/w:rd", "p%40ss", "a^b{c}d|e", "Sen#a?1&2", "süß", "p%2540ss", "x'y"),
    *("12345", r"back\\slash", r"quo\"ted", "a@b@c"),
)
FORMS = (
    '2026/11/28 21:00:01 ERR [path cam_1] [RTSP source] parse "rtsp://admin:{}@10.0.0.5:554/s1": net/url: invalid userinfo',
    "2026/11/28 21:00:01 INF [path cam_1] [RTSP source] opening RTSPS://admin:{}@cam.example/live?x=1",
    "ERR: invalid source: 'rtsp://admin:{}@10.0.0.5/'",
    'time="x" level=error msg="dial rtsp://{}:@10.0.0.5/"',
    '{{"level":"error","source":"rtsp://admin:{}@10.0.0.5/s1","email":"a@b"}}',
    r'{{"source":"rtsp:\/\/admin:{}@10.0.0.5\/s1"}}',
    "GET /v3/config/paths/add?source=rtsp%3A%2F%2Fadmin%3A{}%4010.0.0.5%2Fs1",
    "source=rtsp%3A//admin%3A{}%4010.0.0.5",
    r"source=rtsp:%2F%2Fadmin:{}@10.0.0.5",
    "next=rtsp%253A%252F%252Fadmin%253A{}%254010.0.0.5",
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("password", PASSWORDS)
def test_no_line_keeps_the_password_of_a_camera(form: str, password: str) -> None:
    line = logfiles.redact(form.format(password).encode()).decode()
    assert password not in line
    assert "admin" not in line
    assert "***@10.0.0.5" in line or "***@cam.example" in line


def test_no_line_keeps_a_password_with_a_blank_or_that_of_a_database() -> None:
    said = (
        b'parse "rtsp://admin:my pass@10.0.0.5/": net/url\nrtsp://u:my pass@h\nredis://:s3cret@127.0.0.1:1/0\npostgresql://a:s3cret@h/db\n'
    )
    cleaned = logfiles.redact(said)
    assert b"pass" not in cleaned
    assert b"s3cret" not in cleaned
    assert cleaned.count(b"***@") == 4


@pytest.mark.parametrize(
    "line",
    [
        "INF [RTSP source] rtsp://10.0.0.5:554/s1 is ready",
        "rtsp://10.0.0.5:554/s1 failed, ana@city.example was told",
        '{"url":"rtsp://10.0.0.5/s1","by":"ana@city.example"}',
        "https://example.org/@ana and https://example.org:8443/a@b",
        "100 % of ana@city.example",
    ],
)
def test_what_holds_no_password_stays(line: str) -> None:
    assert logfiles.redact(line.encode()).decode() == line


def test_what_a_process_writes_reaches_the_disk_redacted_in_whole_lines(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    log = LogFile(tmp_path / "media.log")
    writer = log.copy(os.fdopen(reading, "rb", buffering=0))
    parts = [
        b"one rtsp://ad",
        b"min:hun",
        b"ter2@h/1\ntwo\n",
        *[b"x" * 50_000] * 6,
        b" rtsp://admin:hunter2@h\n",
        b"rtsp://a:hunter2@h, no end",
    ]
    for part in parts:
        os.write(writing, part)
    os.close(writing)
    writer.join(60)
    lines = log.path.read_bytes().splitlines()
    assert lines[:2] == [b"one rtsp://***@h/1", b"two"]
    assert len(lines[2]) == logfiles.LONGEST_LINE
    assert lines[3] == b"rtsp://***@h, no end"
    assert b"hunter2" not in b"".join(lines)
