"""Tests of the size of uploaded pictures, which is that of the picture turned upright by EXIF."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from chassis.pictures import UPRIGHT, check_picture, orientation_of


def picture(form: str, exif: bytes = b"") -> bytes:
    """Returns a picture whose stored pixels are 64 x 32."""
    out = io.BytesIO()
    Image.new("RGB", (64, 32)).save(out, form, exif=exif)
    return out.getvalue()


def orientation(value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("value", range(1, 9))
def test_the_size_is_the_upright_pictures(form: str, value: int) -> None:
    data = picture(form, orientation(value))
    assert orientation_of(data) == value
    assert check_picture(data, 10_000) == ((32, 64) if value >= 5 else (64, 32))


@pytest.mark.parametrize("exif", [b"", orientation(0), orientation(9), b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\xff", b"Exif\0\0nonsense" * 9])
def test_an_orientation_that_makes_no_sense_is_none(exif: bytes) -> None:
    data = picture("JPEG", exif)
    assert orientation_of(data) == UPRIGHT
    assert check_picture(data, 10_000) == (64, 32)


def test_what_is_no_picture_is_upright() -> None:
    assert orientation_of(b"\xff\xd8\xff\xd9") == UPRIGHT
