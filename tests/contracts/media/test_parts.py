"""Tests of recorded files as playback reads them: parts that begin with key frames, also while a file is being written."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.media.conftest import Camera, MediaServer
from tests.contracts.media.test_recording import files, length_s

from gtvision.errors import Invalid
from streaming.recordings.parts import Parts, read_parts

pytestmark = pytest.mark.media


def parts_of(path: Path) -> Parts:
    with path.open("rb") as file:
        return read_parts(file, path.stat().st_size)


def closed_groups(path: Path) -> int:
    try:
        return len(parts_of(path).groups) - 1
    except Invalid:  # its beginning is not written yet
        return 0


@pytest.fixture(scope="module")
def long(server: MediaServer, camera: Camera, eventually: Callable[..., Any]) -> Path:
    """A file of many seconds that is still being written."""
    server.add("rec/parts", source=camera.url(1), record=True, recordSegmentDuration="600s")
    eventually(lambda: any(closed_groups(path) >= 2 for path in files(server, "rec/parts")))
    return files(server, "rec/parts")[-1]


def test_a_file_that_is_written_is_groups_that_begin_with_key_frames(long: Path) -> None:
    found = parts_of(long)
    assert found.codecs[0] in {"avc1", "hvc1"}
    first = found.groups[0]
    assert (first.offset, first.start_ms, first.key_ms) == (found.init_size, 0, 0)
    for before, after in pairwise(found.groups):
        assert (after.offset, after.start_ms) == (before.offset + before.size, before.end_ms)
        assert after.key_ms < after.duration_ms
    assert all(2_000 <= group.duration_ms <= 6_000 for group in found.groups[:-1])
    assert Parts.decoded(found.encoded()) == found


def test_what_was_written_stays_as_it_was_while_the_file_grows(long: Path, eventually: Callable[..., Any]) -> None:
    before = parts_of(long).groups[:-1]
    eventually(lambda: closed_groups(long) > len(before))
    assert parts_of(long).groups[: len(before)] == before


def test_the_parts_of_a_finished_file_last_as_long_as_it(server: MediaServer, camera: Camera, eventually: Callable[..., Any]) -> None:
    server.add("rec/short", source=camera.url(1), record=True)
    eventually(lambda: len(files(server, "rec/short")) >= 3)
    finished = files(server, "rec/short")[0]
    found = parts_of(finished)
    assert found.groups[-1].end_ms == pytest.approx(length_s(finished) * 1_000, abs=100)
    assert found.groups[-1].offset + found.groups[-1].size <= finished.stat().st_size
