"""Tests of file names made from times, and times read from file names."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from media_standin import recordpath

START = datetime(2026, 3, 1, 23, 59, 58, 1234, tzinfo=UTC)


@pytest.mark.parametrize("pattern", ["%path/%Y-%m-%d_%H-%M-%S-%f", "%path/%s-%f", "x/%path/%Y/%m/%d/%H-%M-%S-%f%z"])
def test_round_trip(tmp_path: Path, pattern: str) -> None:
    options = {"recordPath": f"{tmp_path}/{pattern}", "recordFormat": "fmp4"}
    file = recordpath.encode(options, "tenant/cam.1", START)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    (file.parent / "stranger.txt").write_bytes(b"")
    assert recordpath.segments(options, "tenant/cam.1") == [recordpath.Segment(START, file)]
    assert recordpath.names(options, re.compile("^tenant/")) == {"tenant/cam.1"}
    assert recordpath.names(options, re.compile("^other")) == set()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="lstat"):
        recordpath.segments({"recordPath": f"{tmp_path}/%path/%s-%f", "recordFormat": "fmp4"}, "cam")
