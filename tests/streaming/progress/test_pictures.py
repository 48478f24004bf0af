"""Tests of the watch over pictures: files that grow part by part, a real database, and a media server that a test steers."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.ledger import emitted
from tests.streaming.conftest import Running
from tests.streaming.recordings.test_parts import film
from tests.streaming.timeline.conftest import Site

from gtvision.events import GapCause, RecordingStopped
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.progress.usecases import PictureWatch, RecordingWatch
from streaming.recorder.usecases import Recorder
from streaming.recordings.domain import Look
from streaming.recordings.repository import PostgresIndex, PostgresSegments
from streaming.streams.repository import PostgresFleet
from streaming.timeline.repository import PostgresInterruptions, PostgresOpenFiles, PostgresWatches
from streaming.timeline.usecases import OpenFiles

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

SECOND = timedelta(seconds=1)


class Node:
    """A media server that writes a camera's film, a part a second, and the recorder agent beside it."""

    def __init__(self, site: Site, folder: Path, good: bytes, keyless: bytes) -> None:
        self.site, self.folder, self.good, self.keyless = site, folder, good, keyless
        self.file: Path | None = None
        self.sizes: list[int] = []
        self.data = b""
        self.index_takes = 0
        """Seconds of the next look, before the pictures are looked at."""
        self.restart()

    def restart(self) -> None:
        db, files, idle_after = self.site.running.db, RecordingsFolder(self.folder), timedelta(seconds=20)
        stores = (db.uow, PostgresInterruptions, PostgresWatches(db), PostgresFleet(db), files)
        pictures = PictureWatch(*stores, clock=self.site.clock)
        watch = RecordingWatch(*stores, pictures.written_at)
        self.recorder = Recorder(
            *(db.uow, PostgresSegments, PostgresFleet(db), PostgresIndex(db), files),
            clock=self.site.clock,
            idle_after=idle_after,
            followers=[self.index, OpenFiles(db.uow, PostgresOpenFiles, idle_after).follow, pictures.follow, watch.follow],
        )

    def begin(self, data: bytes | None = None, *, ago: int = 0) -> None:
        self.data = data or self.good
        self.sizes = ends_of_parts(self.data)
        self.file = self.folder / self.site.path / f"{self.site.now() - ago * SECOND:%Y-%m-%d_%H-%M-%S-%f}.mp4"
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_bytes(b"")

    def write(self, parts: int) -> None:
        if len(self.sizes) < parts:
            self.begin(ago=parts)
        size, self.sizes = self.sizes[parts - 1], self.sizes[parts:]
        assert self.file is not None
        self.file.write_bytes(self.data[:size])
        os.utime(self.file, (self.site.now().timestamp(),) * 2)

    async def index(self, _: Look) -> None:
        if self.index_takes:
            self.site.clock.advance(self.index_takes * SECOND)
            self.write(self.index_takes)
            self.index_takes = 0

    def connects(self) -> None:
        self.site.running.media.connected[self.site.path] = self.site.now()

    async def passes(self, seconds: int, *, writes: bool = True) -> list[tuple[str, str | None]]:
        """Reconciler and agent look every two seconds; a file of a minute is followed by the next."""
        said = []
        for _ in range(seconds // 2):
            await self.site.looks(1)
            if writes and self.file is not None:
                self.write(2)
            await self.recorder.keep_index()
            said.append(await self.site.state())
        return said


def ends_of_parts(data: bytes) -> list[int]:
    ends, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        at += size
        if kind == b"mdat":
            ends.append(at)
    return ends


def frozen(data: bytes) -> bytes:
    """The same pictures, a thousand times as fast: all of them are of nearly one instant."""
    changed = bytearray(data)
    at = changed.index(b"mdhd") + 16
    struct.pack_into(">I", changed, at, struct.unpack_from(">I", changed, at)[0] * 1_000)
    return bytes(changed)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A minute with a key frame each second, and one with a single key frame."""
    folder = tmp_path_factory.mktemp("films")
    return film(folder / "good.mp4", seconds=60).read_bytes(), film(folder / "keyless.mp4", seconds=60, gop=10_000).read_bytes()


@pytest.fixture
async def node(running: Running, tmp_path: Path, films: tuple[bytes, bytes]) -> Node:
    """One whose camera sends and is written."""
    site = Site(running)
    await site.register()
    await site.be_known_for_long()
    await running.reconciler.reconcile()
    found = Node(site, tmp_path, *films)
    found.connects()
    await site.looks(2)
    found.begin()
    assert set(await found.passes(20)) == {("online", None)}
    return found


@pytest.fixture
def made(node: Node) -> list[datetime]:
    """When the camera's path was taken away to be made anew; the camera is connected then."""
    found: list[datetime] = []
    apply: Callable[..., object] = node.site.running.media.apply

    async def watched(change: object) -> None:
        if change.path.name == node.site.path and change.kind.value == "delete":  # type: ignore[attr-defined]
            found.append(node.site.now())
            node.connects()
        await apply(change)  # type: ignore[misc]

    node.site.running.media.apply = watched  # type: ignore[method-assign]
    return found


async def causes(node: Node, since: datetime) -> set[tuple[str, str]]:
    body = await node.site.timeline(since, node.site.now())
    return {(gap["cause"], gap["detail"]) for gap in body["gaps"]}


async def test_a_camera_without_key_frames_is_degraded_until_they_come_again(node: Node, made: list[datetime]) -> None:
    node.begin(node.keyless)
    said = await node.passes(40)
    assert said[:5] == [("online", None)] * 5
    assert said[8:] == [("degraded", "no_keyframes")] * 12
    node.restart()
    assert await node.passes(4) == [("degraded", "no_keyframes")] * 2
    node.begin()
    assert (await node.passes(70))[-1] == ("online", None)
    assert made == []


async def test_a_clock_that_was_set_is_told_and_the_path_made_anew_once_within_a_minute(node: Node, made: list[datetime]) -> None:
    began = node.site.now()
    await node.passes(4, writes=False)
    node.begin()
    said = await node.passes(120)
    assert ("degraded", "clock_jumped") in said[:4]
    assert len(made) == 1
    assert made[0] - began <= 30 * SECOND
    assert said[-1] == ("online", None)
    assert await causes(node, began) == {("camera", "clock_jumped")}


async def test_a_recording_that_a_full_disk_breaks_off_is_no_jump_of_the_clock(
    node: Node, made: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: RecordingsFolder) -> str:
        return "disk_full"

    monkeypatch.setattr(RecordingsFolder, "refuses", full)
    await node.passes(4, writes=False)
    node.begin()
    assert set(await node.passes(40)) == {("online", None)}
    assert made == []


async def test_a_clock_that_jumps_on_is_told_after_the_path_was_made_anew_too(node: Node, made: list[datetime]) -> None:
    said = []
    for _ in range(20):
        await node.passes(4, writes=False)
        node.begin()
        said += await node.passes(28)
    assert said[-60:] == [("degraded", "clock_jumped")] * 60
    assert len(made) == 3


async def test_two_reconnections_within_a_minute_are_no_unsteady_clock(node: Node, made: list[datetime]) -> None:
    said = []
    await node.passes(40)
    for _ in range(2):
        await node.passes(8, writes=False)
        node.connects()
        node.site.sent = 0
        node.begin()
        said += await node.passes(20)
    said += await node.passes(80)
    assert ("degraded", "clock_unsteady") not in said
    assert said[-30:] == [("online", None)] * 30
    assert made == []


async def test_an_index_that_took_long_is_nothing_missing_afterwards(node: Node) -> None:
    node.begin()
    node.index_takes = 7
    said = await node.passes(10)
    for seconds in (8, 4):
        said += await node.passes(seconds, writes=False)
        node.begin()
        said += await node.passes(16)
    said += await node.passes(40)
    assert ("degraded", "clock_unsteady") not in said


async def test_a_recording_that_breaks_off_with_the_connection_is_no_jump_of_the_clock(node: Node, made: list[datetime]) -> None:
    began = node.site.now()
    node.connects()
    node.site.sent = 0
    await node.passes(4, writes=False)
    node.begin()
    assert set(await node.passes(60)) == {("online", None)}
    assert made == []
    assert await causes(node, began) == {("network", "unreachable")}


async def test_a_clock_that_stands_still_is_a_recording_that_has_stopped(node: Node, made: list[datetime]) -> None:
    began = node.site.now()
    node.begin(frozen(node.good))
    said = await node.passes(30)
    assert said[-1] == ("degraded", "clock_unsteady")
    [stopped] = [event.data for event in await emitted(node.site.running.db, node.site.tenant, RecordingStopped)]
    assert (stopped.cause, stopped.detail) == (GapCause.CAMERA, "clock_unsteady")
    assert abs(stopped.since - began) <= 2 * SECOND
    node.begin()
    assert (await node.passes(20))[-1] == ("online", None)
    assert made == []
