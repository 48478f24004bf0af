"""Tests of decoding recorded files, on real ones made by ffmpeg."""

from __future__ import annotations

import asyncio
import re
import subprocess
from datetime import timedelta
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat
from tests.streaming.snapshots.conftest import frame_number, grey_of_seconds, make_film, opened

from gtvision.errors import Invalid, Unavailable
from gtvision.time import SystemClock
from streaming.gateways.pyav_pictures import PyAvPictures
from streaming.snapshots.domain import Picture, Wanted

pytestmark = pytest.mark.media


def pictures(folder: Path) -> PyAvPictures:
    return PyAvPictures(folder, SystemClock())


async def thumbnail(path: Path) -> bytes:
    return await pictures(path.parent).thumbnail(PurePosixPath(path.name))


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mjpeg"])
async def test_a_thumbnail_shows_the_first_key_frame(tmp_path: Path, codec: str) -> None:
    path = make_film(tmp_path / "film.mp4", source=grey_of_seconds(3, "640x360"), codec=codec)
    jpeg = await thumbnail(path)
    assert (opened(jpeg).size, frame_number(jpeg)) == ((320, 180), 0)


@pytest.mark.parametrize(
    ("size", "shown"), [("160x90", (160, 90)), ("322x182", (320, 181)), ("64x720", (64, 720)), ("1920x1080", (320, 180))]
)
async def test_a_thumbnail_keeps_the_shape_and_is_never_larger_than_the_picture(tmp_path: Path, size: str, shown: tuple[int, int]) -> None:
    path = make_film(tmp_path / "film.mp4", source=f"testsrc2=size={size}:rate=5:duration=1")
    assert opened(await thumbnail(path)).size == shown


async def test_a_camera_that_hangs_on_its_side_is_shown_upright(tmp_path: Path) -> None:
    lying = make_film(tmp_path / "lying.mp4", source="testsrc2=size=320x180:rate=5:duration=1")
    turned, upright = tmp_path / "turned.mp4", tmp_path / "upright.png"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(lying), "-c", "copy", "-metadata:s:v", "rotate=90", str(turned)], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(turned), "-frames:v", "1", str(upright)], check=True)  # ffmpeg turns it by itself
    shown, expected = opened(await thumbnail(turned)), Image.open(upright)
    assert shown.size == (180, 320) == expected.size
    [difference] = ImageStat.Stat(ImageChops.difference(shown.convert("L"), expected.convert("L"))).mean
    assert difference < 10


async def test_a_torn_file_has_a_thumbnail_up_to_the_tear(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mp4", source=grey_of_seconds(6))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert frame_number(await thumbnail(path)) == 0


async def test_a_codec_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mp4", source=grey_of_seconds(1))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"xyz1"))
    with pytest.raises(Invalid):
        await thumbnail(path)


@pytest.mark.parametrize("content", [b"", b"no film at all", b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\xff" * 5000])
async def test_what_is_no_film_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "none.mp4").write_bytes(content)
    with pytest.raises(Invalid):
        await thumbnail(tmp_path / "none.mp4")


async def test_a_film_of_another_format_is_refused(tmp_path: Path) -> None:
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=duration=1", "-f", "mpegts", str(tmp_path / "ts.mp4")], check=True
    )
    with pytest.raises(Invalid):
        await thumbnail(tmp_path / "ts.mp4")


STRANGE = {
    "another codec": ("-c:v", "png"),
    "too wide": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-s", "8400x64"),
    "too many pixels": ("-c:v", "libx264", "-preset", "ultrafast", "-frames:v", "1", "-pix_fmt", "yuv420p", "-s", "6400x6400"),
}


@pytest.mark.parametrize("options", STRANGE.values(), ids=STRANGE)
async def test_a_codec_that_no_camera_sends_and_a_picture_that_is_too_large_are_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "strange.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=5:duration=1"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *options, "-movflags", "frag_keyframe+empty_moov", str(path)], check=True)
    with pytest.raises(Invalid):
        await thumbnail(path)


async def test_a_file_that_is_gone_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        await thumbnail(tmp_path / "gone.mp4")


async def still(path: Path, at_s: float | None, **options: Any) -> Picture | None:
    offset = None if at_s is None else timedelta(seconds=at_s)
    return await pictures(path.parent).still(PurePosixPath(path.name), Wanted(offset, **options))


async def frame_at(path: Path, at_s: float | None, **options: Any) -> tuple[int, float]:
    """Which frame is shown, by its brightness, and where it says that it is."""
    found = await still(path, at_s, **options)
    assert found is not None
    return frame_number(found.jpeg), round(found.at.total_seconds(), 3)


B_FRAMES = ("-bf", "2", "-x264-params", "b-adapt=0:keyint=5:min-keyint=5:scenecut=0:b-pyramid=none")
CODINGS = {
    "h264": ("libx264", ("-bf", "0")),
    "h264 with b-frames": ("libx264", B_FRAMES),
    "h265": ("libx265", ("-bf", "0")),
    "mjpeg": ("mjpeg", ()),
}


@pytest.fixture(scope="module", params=CODINGS, ids=str)
def clock(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of five frames, each of which says its number by its brightness; a key frame every second."""
    codec, options = CODINGS[request.param]
    return make_film(tmp_path_factory.mktemp("clock") / "film.mp4", source=grey_of_seconds(12), codec=codec, options=options)


@pytest.mark.parametrize("second", [0.0, 0.5, 1.0, 3.99, 4.0, 7.3, 11.1, 20.0])
async def test_a_still_is_the_key_frame_at_or_before_the_instant_and_tells_its_own(clock: Path, second: float) -> None:
    late = first_picture(clock)
    number, at = await frame_at(clock, second + late)
    expected = min(int(second), 11)
    if "mjpeg" in codec_of(clock):
        expected_number = min(int(second * 5 + 0.001), 59)
        assert (number, at) == (expected_number, round(expected_number / 5, 3))
    else:
        assert (number, at) == (expected * 5, round(expected + late, 3))


@pytest.mark.parametrize("second", [0.0, 0.5, 1.0, 3.99, 4.0, 7.3, 11.1, 20.0])
async def test_an_exact_still_is_the_frame_that_is_shown_at_the_instant(clock: Path, second: float) -> None:
    late = first_picture(clock)
    number, at = await frame_at(clock, second + late, exact=True)
    expected = min(int(second * 5 + 0.001), 59)
    assert (number, at) == (expected, round(expected / 5 + late, 3))


async def test_a_still_is_found_again_by_the_instant_that_it_tells(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mp4", source="testsrc2=size=160x90:rate=30000/1001:duration=3", options=("-g", "7"))
    for second in (0.0, 0.3, 1.1, 2.7):
        found = await still(path, second)
        assert found is not None
        again = await pictures(tmp_path).still(PurePosixPath("film.mp4"), Wanted(found.at))
        assert again is not None
        assert again.at == found.at


async def test_the_newest_key_frame_of_a_file_that_is_being_written(clock: Path, tmp_path: Path) -> None:
    whole = clock.read_bytes()
    parts = [match.start() - 4 for match in re.finditer(b"moof|mfra", whole)]
    written = tmp_path / "film.mp4"
    newest = []
    for part, end in pairwise(parts):
        for size in (part + 20, end - 1, end):
            written.write_bytes(whole[:size])
            found = await still(written, None)
            newest.append(None if found is None else frame_number(found.jpeg))
    every = range(60) if "mjpeg" in codec_of(clock) else range(0, 60, 5)
    assert newest == [None, None, 0, *(number for before, after in pairwise(every) for number in (before, before, after))]
    written.write_bytes(whole[: parts[0] - 1])
    with pytest.raises(Invalid):  # its beginning is not written yet
        await still(written, None)


async def test_before_the_first_picture_there_is_none(tmp_path: Path) -> None:
    sound = ["-f", "lavfi", "-i", "sine=duration=6"]
    picture = ["-itsoffset", "3", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=5:duration=3"]
    coding = ["-c:v", "libx264", "-g", "5", "-bf", "0", "-fps_mode", "passthrough", "-c:a", "aac", "-movflags", "frag_keyframe+delay_moov"]
    path = tmp_path / "sound.mp4"
    subprocess.run(["ffmpeg", "-v", "error", *sound, *picture, *coding, str(path)], check=True)
    assert await still(path, 2.9) is None
    found = await still(path, 3.4)
    assert found is not None
    assert round(found.at.total_seconds(), 1) == 3.0


@pytest.mark.parametrize(("width", "shown"), [(None, (640, 360)), (64, (64, 36)), (333, (333, 187)), (3840, (640, 360))])
async def test_a_still_is_made_smaller_and_never_larger(tmp_path: Path, width: int | None, shown: tuple[int, int]) -> None:
    path = make_film(tmp_path / "film.mp4", source="testsrc2=size=640x360:rate=5:duration=1")
    found = await still(path, 0, width=width)
    assert found is not None
    assert opened(found.jpeg).size == shown


async def test_a_key_frame_is_decoded_once_for_each_width(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", source=grey_of_seconds(4))
    decoder, path = pictures(tmp_path), PurePosixPath("film.mp4")
    first = await decoder.still(path, Wanted(timedelta(seconds=2.1)))
    assert await decoder.still(path, Wanted(timedelta(seconds=2.9))) is first
    assert await decoder.still(path, Wanted(timedelta(seconds=2.9), width=64)) is not first
    exact = await decoder.still(path, Wanted(timedelta(seconds=2.9), exact=True))
    assert exact is not None
    assert (exact.at, await decoder.still(path, Wanted(timedelta(seconds=2.9)))) == (timedelta(seconds=2.8), first)


async def test_too_many_at_once_are_refused(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mp4", source="testsrc2=size=640x360:rate=5:duration=1")
    decoder = PyAvPictures(tmp_path, SystemClock(), waiting=2)
    asked = [decoder.still(PurePosixPath(path.name), Wanted(None)) for _ in range(6)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Picture] * 3 + [Unavailable] * 3
    assert await decoder.still(PurePosixPath(path.name), Wanted(None)) is not None


async def test_a_picture_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mp4", source="testsrc2=size=640x360:rate=5:duration=1")
    with pytest.raises(Invalid):
        await PyAvPictures(tmp_path, SystemClock(), timeout_s=-0.5).thumbnail(PurePosixPath(path.name))


def packets(path: Path, fields: str) -> list[str]:
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", fields, "-of", "csv=p=0", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def first_picture(path: Path) -> float:
    """Where the first picture is shown: with B-frames, some frames after the file's 0."""
    return min(float(line.rstrip(",")) for line in packets(path, "packet=pts_time"))


def codec_of(path: Path) -> str:
    return packets(path, "stream=codec_name")[0]
