"""Tests of the pictures of a timeline: which thumbnails lie in a range, and their sprites, on real files."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest
from PIL import Image
from tests.streaming.snapshots.conftest import opened

from gtvision.camera import path_name
from gtvision.ids import new_id
from gtvision.time import FakeClock
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.gateways.sprite_sheets import SpriteSheets
from streaming.snapshots.domain import Thumbnail, sprite_cells
from streaming.snapshots.usecases import Previews

HOUR = datetime(2026, 5, 1, 12, tzinfo=UTC)
DARK = (17, 17, 17)


def at(minute: float) -> datetime:
    return HOUR + timedelta(minutes=minute)


class Site:
    """A camera with recordings, each of which begins with a picture of one colour."""

    def __init__(self, root: Path) -> None:
        self.root, self.camera, self.clock = root, new_id(), FakeClock(HOUR + timedelta(hours=5))
        self.previews = Previews(RecordingsFolder(root), SpriteSheets(root), self.clock)

    def record(self, start: datetime, colour: tuple[int, int, int] | None, size: tuple[int, int] = (320, 180)) -> Path:
        path = self.root / path_name(self.camera) / f"{start:%Y-%m-%d_%H-%M-%S-%f}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"film")
        if colour is not None:
            data = io.BytesIO()
            Image.new("RGB", size, colour).save(data, "JPEG", quality=95)
            path.with_suffix(".jpg").write_bytes(data.getvalue())
        self.clock.advance(10)  # a listing is believed for five seconds
        return path

    async def found(self, since: float, until: float) -> list[float]:
        thumbnails = await self.previews.within(self.camera, at(since), at(until))
        assert all((self.root / each.path).is_file() for each in thumbnails)
        return [(each.at - HOUR) / timedelta(minutes=1) for each in thumbnails]

    async def sprite(self, since: float = 0, until: float = 60, hour: datetime = HOUR) -> Image.Image:
        return opened((await self.previews.sprite(self.camera, hour, at(since), at(until))).jpeg)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def cells(sheet: Image.Image) -> dict[int, tuple[int, int, int]]:
    """The colours of the cells that are not dark, by minute."""
    colours = {number: sheet.getpixel((number % 10 * 160 + 80, number // 10 * 90 + 45)) for number in range(60)}
    found = {number: colour for number, colour in colours.items() if isinstance(colour, tuple)}
    return {number: (colour[0], colour[1], colour[2]) for number, colour in found.items() if not near(colour, DARK)}


def near(colour: tuple[int, ...], other: Iterable[int]) -> bool:
    return all(abs(one - two) < 12 for one, two in zip(colour, other, strict=True))


async def test_thumbnails_of_a_range_are_those_of_the_files_that_begin_in_it(site: Site) -> None:
    for minute in (0, 1, 2, 3):
        site.record(at(minute), (200, 0, 0))
    site.record(at(2.5), None)
    assert await site.found(1.5, 3) == [2]
    assert await site.found(0, 10) == [0, 1, 2, 3]
    assert await site.found(5, 10) == []


async def test_a_camera_without_a_folder_has_none(site: Site) -> None:
    assert await site.found(0, 60) == []
    assert cells(await site.sprite()) == {}


async def test_thousands_are_thinned_out_evenly(site: Site) -> None:
    for second in range(4_100):
        path = site.record(HOUR + timedelta(seconds=second), None)
        path.with_suffix(".jpg").write_bytes(b"x")
    found = await site.found(0, 24 * 60)
    assert len(found) <= 2_000
    assert found[0] == 0
    assert {round((later - earlier) * 60) for earlier, later in pairwise(found)} == {3}


async def test_a_sprite_shows_each_minute_in_its_cell(site: Site) -> None:
    colours = {0: (200, 0, 0), 9: (0, 200, 0), 10: (0, 0, 200), 59: (200, 200, 0)}
    for minute, colour in colours.items():
        site.record(at(minute + 0.4), colour)
    site.record(at(-1), (250, 250, 250))
    site.record(at(60), (250, 250, 250))
    sheet = await site.sprite()
    assert sheet.size == (1600, 540)
    shown = cells(sheet)
    assert shown.keys() == colours.keys()
    assert all(near(shown[minute], colour) for minute, colour in colours.items())


async def test_a_sprite_shows_nothing_outside_the_range_that_was_asked_for(site: Site) -> None:
    for minute in range(10, 50):
        site.record(at(minute), (200, 0, 0))
    assert cells(await site.sprite(20, 30)).keys() == set(range(20, 30))
    assert cells(await site.sprite(20, 30, HOUR - timedelta(hours=1))) == {}


async def test_a_sprite_follows_what_is_recorded_and_deleted_meanwhile(site: Site) -> None:
    first = site.record(at(1), (200, 0, 0))
    assert cells(await site.sprite()).keys() == {1}
    site.record(at(2), (200, 0, 0))
    assert cells(await site.sprite()).keys() == {1, 2}
    first.with_suffix(".jpg").unlink()
    site.clock.advance(10)
    assert cells(await site.sprite()).keys() == {2}


async def test_a_damaged_thumbnail_leaves_its_cell_dark_and_an_upright_one_is_shown_whole(site: Site) -> None:
    site.record(at(1), (200, 0, 0)).with_suffix(".jpg").write_bytes(b"\xff\xd8\xff nothing more")
    site.record(at(2), (0, 200, 0), size=(180, 320))
    sheet = await site.sprite()
    assert cells(sheet).keys() == {2}
    corner = sheet.getpixel((2 * 160 + 5, 5))
    assert isinstance(corner, tuple)
    assert near(corner, DARK)


@pytest.mark.parametrize(("hours", "is_final"), [(0, False), (1, False), (2, True)])
async def test_a_sprite_is_final_once_its_hour_is_over(site: Site, hours: int, is_final: bool) -> None:
    site.clock = FakeClock(HOUR + timedelta(hours=hours, minutes=1))
    site.previews = Previews(RecordingsFolder(site.root), SpriteSheets(site.root), site.clock)
    sprite = await site.previews.sprite(site.camera, HOUR, HOUR, at(60))
    assert sprite.is_final is is_final


def test_a_file_that_goes_on_through_the_next_minute_is_shown_there_and_no_gap_is_filled() -> None:
    site = Site(Path())
    camera = path_name(site.camera)
    starts = {"late": at(0.99), "next": at(2.01), "alone": at(10.5), "after the gap": at(13)}
    cells = sprite_cells([Thumbnail(PurePosixPath(camera, name), start) for name, start in starts.items()], HOUR)
    shown = {minute: cell.name for minute, cell in enumerate(cells) if cell is not None}
    assert shown == {0: "late", 1: "late", 2: "next", 10: "alone", 13: "after the gap"}
