"""Tests of recordings that cannot be deleted, on real files and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest
from tests.streaming.conftest import Running
from tests.streaming.looks import by_camera
from tests.streaming.retention.test_domain import CAMERA, NOW, OTHER, limited_to, look, minutes, plan
from tests.streaming.retention.test_usecases import Disk, Site, there

from gtvision.errors import Unavailable
from streaming import metrics
from streaming.recordings.domain import Undeleted
from streaming.retention.domain import Rules

pytestmark = [pytest.mark.db, pytest.mark.broker]


class Jammed(Disk):
    """A disk with a file that nobody can delete."""

    jammed: Path | None = None

    async def delete(self, path: PurePosixPath) -> None:
        if self.jammed is not None and path.name == self.jammed.name:
            raise Unavailable("The recordings folder does not answer.")
        await super().delete(path)


def _jam(site: Site, path: Path) -> Jammed:
    """Gives the site an agent that cannot delete a file."""
    files = Jammed(site.folder)
    files.jammed = path
    site.retention = site.agent(files=files)
    return files


async def test_a_file_that_cannot_be_deleted_keeps_no_other_and_is_buried_once(running: Running, tmp_path: Path) -> None:
    site = Site(running, tmp_path)
    camera, other = await site.add(site.city, days=1), await site.add(site.town, days=1)
    own, others = site.record(camera, 3, ago=timedelta(days=6)), site.record(other, 2, ago=timedelta(days=5))
    site.record(camera, 1)
    files = _jam(site, own[0])
    before = metrics.undeleted._value.get()
    with pytest.raises(Unavailable):
        await site.follow()
    assert (there(own), there(others)) == ([True, False, False], [False, False])
    assert metrics.undeleted._value.get() == before + 1
    await site.follow()  # it waits
    for pause in (1, 2):
        site.running.clock.advance(timedelta(minutes=pause))
        with pytest.raises(Unavailable):
            await site.follow()
        await site.follow()
    files.jammed = None
    site.running.clock.advance(timedelta(minutes=4))
    await site.follow()
    assert there(own) == [False] * 3
    assert [each["segments"] for each in await site.tombstones(site.city, camera)] == [3]


async def test_files_that_cannot_be_deleted_leave_their_turn_to_others(running: Running, tmp_path: Path) -> None:
    site = Site(running, tmp_path, most=1)
    own = site.record(await site.add(site.city, days=1), 2, ago=timedelta(days=5))
    _jam(site, own[0])
    with pytest.raises(Unavailable):
        await site.follow()
    await site.follow()
    assert there(own) == [True, False]


def test_a_camera_of_which_many_files_cannot_be_deleted_loses_no_more_rows() -> None:
    files, others = minutes(CAMERA, 101), minutes(OTHER, 2)
    undeleted = Undeleted()
    for file in files[:100]:
        undeleted.failed(file, NOW)
    undeleted.begin(by_camera([*files, *others]), NOW)
    assert (undeleted.waits(files[0]), undeleted.waits(files[100]), undeleted.waits(others[0])) == (True, True, False)
    rules = Rules(limited_to(0), stuck=undeleted.waits)
    assert [doomed.file for doomed in plan(look([*files, *others]), rules)] == others[:1]
    undeleted.begin(by_camera(files[1:]), NOW)
    assert (undeleted.waits(files[1]), undeleted.waits(files[100])) == (True, False), "one is gone"
    undeleted.begin(by_camera(files[1:]), NOW + timedelta(minutes=1))
    assert not undeleted.waits(files[1])
