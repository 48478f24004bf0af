"""Tests of the rules of clips: which files, which gaps, which name, which bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import pytest

from gtvision.ids import new_id
from streaming.clips.api import _range
from streaming.clips.domain import Span, content_disposition, gaps, joined, pieces
from streaming.recordings.domain import SegmentFile

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
CAMERA = new_id()


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def file(begin: float, written: float) -> SegmentFile:
    return SegmentFile(PurePosixPath(f"cam/{begin}.mp4"), CAMERA, at(begin), 1_000, at(written))


def span(begin: float, end: float) -> Span:
    return Span(at(begin), at(end))


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (0, 300, [0, 60, 200]),
        (61, 62, [60]),
        (60, 61, [60]),
        (59, 61, [0, 60]),
        (130, 190, []),
        (121, 200, [60]),
        (261, 300, [200]),
        (263, 300, []),
    ],
)
def test_files_that_may_hold_some_of_the_range(since: float, until: float, found: list[float]) -> None:
    files = [file(200, 260), file(0, 60), file(60, 120)]
    assert [(piece.started_at - START).total_seconds() for piece in pieces(files, at(since), at(until))] == found


def test_a_file_ends_with_the_next_one_and_when_it_was_written() -> None:
    ends = [piece.ends_at for piece in pieces([file(0, 90), file(60, 110), file(200, 260)], at(0), at(300))]
    assert ends == [at(60), at(112), at(262)]


def test_no_more_is_to_be_read_than_the_range_needs() -> None:
    first, second = pieces([file(0, 60), file(60, 118)], at(0), at(90))
    assert (first.wanted_bytes(at(90)), second.wanted_bytes(at(90))) == (1_000, 500)


def test_spans_that_follow_at_once_are_one() -> None:
    assert joined([span(0, 10), span(10.5, 20), span(19, 30), span(40, 50)]) == [span(0, 30), span(40, 50)]


def test_gaps_are_what_is_left_of_the_range() -> None:
    assert gaps([span(-1, 10), span(20, 30)], at(0), at(40)) == [span(10, 20), span(30, 40)]
    assert gaps([span(5, 40)], at(0), at(40)) == [span(0, 5)]
    assert gaps([], at(0), at(40)) == [span(0, 40)]


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("Ponte", "Ponte"),
        ('a/b\\c:d*?"<>|%', "a%20b%20c%20d"),
        ("..", "clip"),
        ("saída 1", "sa%C3%ADda%201"),
        ("a\r\nx: y", "a%20x%20%20y"),
    ],
)
def test_a_file_has_a_name_that_every_system_takes(name: str, saved: str) -> None:
    header = content_disposition(name)
    assert header == f"attachment; filename=\"clip.mp4\"; filename*=UTF-8''{saved}.mp4"
    assert header.isascii()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, 100)),
        ("bytes=90-200", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-200", (0, 100)),
        ("bytes=-0", (100, 100)),
        ("bytes=100-", (100, 100)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,2-3", None),
        ("bytes=1e2-", None),
    ],
)
def test_ranges_of_bytes(text: str, found: tuple[int, int] | None) -> None:
    assert _range(text, 100) == found
