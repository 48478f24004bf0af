"""Tests of the recorder agent's watch: real files, a real database, and a media server that a test steers."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from sqlalchemy import delete
from tests.ledger import emitted
from tests.streaming.conftest import Running, deleted
from tests.streaming.timeline.conftest import Site, instants

from gtvision.camera import RecordingSettings
from gtvision.events import (
    GapCause,
    RecordingGapClosed,
    RecordingResumed,
    RecordingSegmentClosed,
    RecordingStopped,
    StreamCause,
    StreamDegraded,
    StreamWentOffline,
    StreamWentOnline,
)
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.progress.usecases import RecordingWatch
from streaming.recorder.usecases import Recorder
from streaming.recordings.repository import PostgresIndex, PostgresSegments
from streaming.recordings.tables import SegmentRow
from streaming.streams.repository import PostgresFleet, PostgresStreams
from streaming.timeline.repository import PostgresInterruptions, PostgresOpenFiles, PostgresTimeline, PostgresWatches
from streaming.timeline.usecases import ClosedGaps, OpenFiles, TimelineReader

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

SECOND = timedelta(seconds=1)


class Agent:
    """A recorder agent with a folder of its own, beside a site's camera."""

    def __init__(self, site: Site, folder: Path, film: Path) -> None:
        self.site, self.folder, self.film = site, folder, film
        self.file: Path | None = None
        self.restart()

    def restart(self) -> None:
        """Makes a new agent, without what was in memory, as after a crash."""
        db, clock = self.site.running.db, self.site.clock
        files, idle_after = RecordingsFolder(self.folder), timedelta(seconds=20)
        watch = RecordingWatch(db.uow, PostgresInterruptions, PostgresWatches(db), PostgresFleet(db), files)
        gaps = ClosedGaps(TimelineReader(PostgresTimeline, clock, deleted), PostgresTimeline, PostgresStreams)
        self.recorder = Recorder(
            db.uow,
            PostgresSegments,
            PostgresFleet(db),
            PostgresIndex(db),
            files,
            clock=clock,
            idle_after=idle_after,
            followers=[OpenFiles(db.uow, PostgresOpenFiles, idle_after).follow, watch.follow],
            added=gaps.tell,
        )

    def begin_file(self) -> None:
        """The media server begins a file, and writes two seconds of film."""
        self.file = self.folder / self.site.path / f"{self.site.now():%Y-%m-%d_%H-%M-%S-%f}.mp4"
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_bytes(self.film.read_bytes())

    async def passes(self, seconds: int, *, writes: bool = True, sends: bool = True) -> None:
        """Reconciler and agent look every two seconds; what sends and is written goes on to."""
        for _ in range(seconds // 2):
            await self.site.looks(1, sends=sends)
            if writes and self.file is not None:
                at = self.site.now().timestamp()
                os.utime(self.file, (at, at))
            await self.recorder.keep_index()

    async def told(self, kind: type[Any]) -> list[Any]:
        return [event.data for event in await emitted(self.site.running.db, self.site.tenant, kind)]

    async def cause(self) -> tuple[str, str | None]:
        return await self.site.state()


@pytest.fixture
async def agent(running: Running, tmp_path: Path, film: Path) -> Agent:
    """One whose camera sends and is written."""
    site = Site(running)
    await site.register()
    await site.be_known_for_long()
    await site.running.reconciler.reconcile()
    found = Agent(site, tmp_path, film)
    await site.looks(2)
    found.begin_file()
    await found.passes(24)
    assert await found.told(RecordingStopped) == []
    return found


async def test_what_is_written_is_on_the_timeline_at_once(agent: Agent) -> None:
    now = agent.site.now()
    body = await agent.site.timeline(now - 24 * SECOND, now)
    assert (body["gaps"], body["recorded_s"]) == ([], 24)


async def test_a_camera_that_is_written_no_more_is_told_within_fifteen_seconds(agent: Agent) -> None:
    last = agent.site.now()
    await agent.passes(8, writes=False)
    assert await agent.told(RecordingStopped) == []
    await agent.passes(6, writes=False)
    [stopped] = await agent.told(RecordingStopped)
    assert (stopped.camera_id, stopped.cause, stopped.detail) == (agent.site.camera, GapCause.UNKNOWN, "nothing_written")
    assert abs(stopped.since - last) < SECOND
    await agent.passes(4, writes=False)
    assert await agent.cause() == ("degraded", "not_recorded")
    [gap] = (await agent.site.timeline(last, agent.site.now()))["gaps"]
    assert (gap["cause"], gap["detail"]) == ("unknown", "nothing_written")


async def test_it_is_told_once_also_by_an_agent_that_starts_anew_and_so_is_its_end(agent: Agent) -> None:
    last = agent.site.now()
    await agent.passes(14, writes=False)
    agent.restart()
    await agent.passes(30, writes=False)
    agent.begin_file()
    began = agent.site.now()
    agent.restart()
    await agent.passes(6)
    [stopped], [resumed] = await agent.told(RecordingStopped), await agent.told(RecordingResumed)
    assert (resumed.since, resumed.resumed_at) == (stopped.since, began)
    assert await agent.cause() == ("online", None)
    [degraded] = await agent.told(StreamDegraded)
    assert (degraded.cause, degraded.read_url) == (StreamCause.NOT_RECORDED, f"rtsp://media/{agent.site.path}")
    assert len(await agent.told(StreamWentOnline)) == 2
    told = await agent.site.timeline(last, agent.site.now())
    assert {gap["detail"] for gap in told["gaps"]} == {"nothing_written"}


async def test_a_gap_is_told_with_its_cause_once_the_next_recording_is_indexed(agent: Agent) -> None:
    await agent.passes(10, writes=False, sends=False)
    assert await agent.cause() == ("offline", "no_progress")
    await agent.passes(60, writes=False, sends=False)
    await agent.passes(4, writes=False)
    agent.begin_file()
    began = agent.site.now()
    await agent.passes(10)
    assert await agent.told(RecordingGapClosed) == []
    agent.begin_file()
    await agent.passes(4)
    [gap] = await agent.told(RecordingGapClosed)
    assert (gap.ended_at, gap.cause, gap.detail) == (began, GapCause.CAMERA, "no_progress")
    assert await agent.told(RecordingStopped) == []
    assert len(await agent.told(StreamWentOffline)) == 1


async def test_what_is_told_again_is_the_same_event(agent: Agent) -> None:
    await agent.passes(14, writes=False)
    agent.begin_file()
    await agent.passes(4)
    agent.begin_file()
    await agent.passes(4)
    site, kinds = agent.site, (RecordingSegmentClosed, RecordingGapClosed, RecordingStopped, RecordingResumed)
    before = {kind: [event.event_id for event in await emitted(site.running.db, site.tenant, kind)] for kind in kinds}
    assert [len(ids) for ids in before.values()] == [2, 1, 1, 1]
    async with site.running.db.uow(site.tenant) as uow:
        await uow.session.execute(delete(SegmentRow))
    agent.restart()
    await agent.passes(4)
    after = {kind: [event.event_id for event in await emitted(site.running.db, site.tenant, kind)] for kind in kinds}
    assert [len(ids) for ids in after.values()] == [4, 2, 1, 1]
    assert {kind: set(ids) for kind, ids in after.items()} == {kind: set(ids) for kind, ids in before.items()}


async def test_an_agent_that_takes_long_to_index_tells_no_stop(agent: Agent) -> None:
    class SlowDisk(RecordingsFolder):
        async def sha256(self, path: PurePosixPath) -> str:
            agent.site.clock.advance(60)
            return await super().sha256(path)

    agent.begin_file()
    agent.recorder._files = SlowDisk(agent.folder)
    await agent.passes(2)
    agent.recorder._files = RecordingsFolder(agent.folder)
    await agent.passes(4)
    assert await agent.told(RecordingStopped) == []


async def test_a_disk_that_takes_nothing_is_the_cause(agent: Agent, tmp_path: Path) -> None:
    class FullDisk(RecordingsFolder):
        async def refuses(self) -> str | None:
            return "disk_full"

    agent.recorder._followers[1].__self__._files = FullDisk(tmp_path)  # type: ignore[attr-defined]
    configured = agent.site.running.media.changes
    await agent.passes(60, writes=False)
    [stopped] = await agent.told(RecordingStopped)
    assert (stopped.cause, stopped.detail) == (GapCause.DISK, "disk_full")
    assert await agent.cause() == ("degraded", "disk_full")
    assert agent.site.running.media.changes == configured, "a path that is made anew mends no disk"


async def test_a_file_of_which_a_full_disk_took_the_beginning_is_no_recording(agent: Agent, tmp_path: Path) -> None:
    class FullDisk(RecordingsFolder):
        async def refuses(self) -> str | None:
            return "disk_full"

    agent.recorder._followers[1].__self__._files = FullDisk(tmp_path)  # type: ignore[attr-defined]
    await agent.passes(14, writes=False)
    agent.begin_file()
    at = agent.site.now().timestamp()
    os.utime(agent.file or "", (at, at))
    await agent.passes(20, writes=False)
    assert await agent.told(RecordingResumed) == []
    assert await agent.cause() == ("degraded", "disk_full")
    agent.begin_file()
    await agent.passes(6)
    assert len(await agent.told(RecordingResumed)) == len(await agent.told(RecordingStopped)) == 1


async def test_its_path_is_made_anew_with_growing_pauses_until_it_is_written(agent: Agent) -> None:
    media, made = agent.site.running.media, list[datetime]()
    apply, went = media.apply, media.configured

    async def watched(change: Any) -> None:
        if change.path.name == agent.site.path and change.kind.value == "delete":
            made.append(agent.site.now())
        await apply(change)

    media.apply = watched  # type: ignore[method-assign]
    try:
        await agent.passes(180, writes=False)
        degraded_at = agent.site.now() - 180 * SECOND
        assert [round((at - degraded_at).total_seconds()) for at in made] == [28, 58, 118]
        assert agent.site.path in went
        agent.begin_file()
        await agent.passes(120)
    finally:
        media.apply = apply  # type: ignore[method-assign]
    assert len(made) == 3
    assert await agent.cause() == ("online", None)


@pytest.mark.parametrize(("codecs", "cause"), [(("G711",), "no_video"), (("Generic",), "codec_unsupported")], ids=["sound", "codec"])
async def test_a_stream_that_cannot_be_played_is_degraded(agent: Agent, codecs: tuple[str, ...], cause: str) -> None:
    agent.site.running.media.codecs[agent.site.path] = codecs
    await agent.passes(2)
    assert await agent.cause() == ("degraded", cause)
    await agent.passes(14, writes=False)
    [stopped] = await agent.told(RecordingStopped)
    assert (stopped.cause, stopped.detail) == (GapCause.CAMERA, cause)
    agent.site.running.media.codecs[agent.site.path] = ("H264",)
    agent.begin_file()
    await agent.passes(6)
    assert await agent.cause() == ("online", None)


@pytest.mark.parametrize("changes", [{"enabled": False}, {"recording": RecordingSettings(enabled=False)}], ids=["disabled", "not_recorded"])
async def test_what_nobody_wants_recorded_has_not_stopped(agent: Agent, changes: dict[str, Any]) -> None:
    await agent.site.register(**changes)
    await agent.passes(30, writes=False)
    await agent.site.register()
    await agent.passes(8, writes=False)
    agent.begin_file()
    await agent.passes(4)
    assert await agent.told(RecordingStopped) == []


async def test_a_stop_that_the_operator_ends_is_not_told_as_written(agent: Agent) -> None:
    await agent.passes(14, writes=False)
    await agent.site.register(enabled=False)
    await agent.passes(4, writes=False)
    assert len(await agent.told(RecordingStopped)) == 1
    assert await agent.told(RecordingResumed) == []
    await agent.site.register()
    agent.begin_file()
    await agent.passes(20)
    assert await agent.cause() == ("online", None)


async def test_recorded_and_gaps_are_everything_after_all_that(agent: Agent) -> None:
    start = agent.site.now() - 20 * SECOND
    await agent.passes(14, writes=False)
    await agent.passes(20, writes=False, sends=False)
    agent.begin_file()
    await agent.passes(10)
    body = await agent.site.timeline(start, agent.site.now())
    edges = sorted(instants(body["recorded"] + body["gaps"]))
    assert [edges[0][0], *(end for _, end in edges)] == [*(begin for begin, _ in edges), datetime.fromisoformat(body["to"])]


async def test_a_folder_says_why_it_takes_nothing(tmp_path: Path) -> None:
    assert await RecordingsFolder(tmp_path).refuses() is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    assert await RecordingsFolder(tmp_path / "file").refuses() == "not_writable"
    assert await RecordingsFolder(Path("/dev/full").parent / "gone").refuses() == "not_writable"
