"""Tests of decoding recorded files, on real ones made by ffmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath

import pytest
from PIL import Image, ImageChops, ImageStat
from tests.streaming.snapshots.conftest import frame_number, grey_of_seconds, make_film, opened

from gtvision.errors import Invalid
from gtvision.time import SystemClock
from streaming.gateways.pyav_pictures import PyAvPictures

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


@pytest.mark.parametrize("options", [("-c:v", "png"), ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-s", "8400x64")])
async def test_a_codec_that_no_camera_sends_and_a_picture_that_is_too_large_are_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "strange.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=5:duration=1"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *options, "-movflags", "frag_keyframe+empty_moov", str(path)], check=True)
    with pytest.raises(Invalid):
        await thumbnail(path)


async def test_a_file_that_is_gone_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        await thumbnail(tmp_path / "gone.mp4")
