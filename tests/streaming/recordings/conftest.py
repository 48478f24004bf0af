"""Fixtures that the tests of recordings share."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of two seconds of fragmented MP4, as a media server records."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=15:duration=2"]
    flags = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-bf", "0", "-movflags", "frag_keyframe+empty_moov", str(path)]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *flags], check=True)
    return path
