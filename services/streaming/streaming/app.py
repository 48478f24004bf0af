"""Composition root: `create_api` (API, auth hook, reconciler) and `create_agent` (recorder agent)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from chassis.auth import AuthRuntime
from chassis.bus import Bus
from chassis.db import Database
from chassis.idempotency import KeyKeeping
from chassis.live import LiveBus
from chassis.loops import Loop, every
from chassis.migrations import run_migrations
from chassis.outbox import OutboxRelay
from chassis.redis import connect_redis
from chassis.service import Service, Worker, create_app, create_worker, run
from chassis.settings import load
from chassis.vault import Vault
from city.cameras import CameraEvents
from city.refusals import Refusals
from city.tenants import TenantDirectory
from city.trusted_time import TrustedNow, TrustedTime
from gtvision.backoff import Backoff
from gtvision.camera import path_name
from gtvision.errors import GTVisionError
from gtvision.events import (
    AuditRecorded,
    HoldLifted,
    HoldPlaced,
    RecordingGapClosed,
    RecordingResumed,
    RecordingSegmentClosed,
    RecordingStopped,
    StorageRanLow,
    StreamDegraded,
    StreamWentOffline,
    StreamWentOnline,
)
from gtvision.time import Clock, SystemClock
from streaming.archive.api import router as archive_router
from streaming.archive.repository import PostgresCopies, PostgresRestores
from streaming.archive.usecases import Archives, Copying, CopyUpkeep, Restoring
from streaming.clips.api import router as clips_router
from streaming.clips.repository import PostgresClipQueue, PostgresClips
from streaming.clips.usecases import ClipBounds, ClipMaking, Clips, ClipTidying
from streaming.forecast.api import router as forecast_router
from streaming.forecast.domain import LowMarks
from streaming.forecast.usecases import Forecasts, StorageWatch, UsageCount
from streaming.gateways.clip_folder import ClipFolder
from streaming.gateways.haproxy import HaproxyMap
from streaming.gateways.mediamtx import MediaMtx
from streaming.gateways.object_files import ObjectFiles
from streaming.gateways.pyav_pictures import PyAvPictures
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.gateways.redis_attendance import RedisAttendance
from streaming.gateways.redis_still_tickets import RedisStillTickets
from streaming.gateways.sprite_sheets import SpriteSheets
from streaming.gateways.system_names import SystemNames
from streaming.gateways.tls_certificates import TlsCertificates
from streaming.live.api import hooks
from streaming.live.usecases import Authorizer, Viewers, Viewings
from streaming.names.usecases import CameraNames
from streaming.playback.api import node as playback_node
from streaming.playback.api import router as playback_router
from streaming.playback.repository import PostgresPlaybackSessions, PostgresPlayedFiles, PostgresTenants
from streaming.playback.usecases import PlaybackSessions, PlaybackTickets, Playlists, SilentFiles
from streaming.progress.usecases import PictureWatch, RecordingWatch
from streaming.recorder.usecases import Follower, Recorder
from streaming.recordings.api import router as recordings_router
from streaming.recordings.domain import Look
from streaming.recordings.repository import PostgresIndex, PostgresSegments
from streaming.recordings.usecases import Recordings
from streaming.reindex import cli as reindex_cli
from streaming.reindex.repository import PostgresIndexedFiles
from streaming.reindex.usecases import Comparison, Reindexing
from streaming.retention import cli as holds_cli
from streaming.retention.api import router as retention_router
from streaming.retention.domain import GIGABYTE, Limits, Spared
from streaming.retention.repository import PostgresHeld, PostgresHolds
from streaming.retention.usecases import Holds, HoldsOfCities, Retention, Went
from streaming.rights.consumers import RightsEvents
from streaming.rights.repository import PostgresRights
from streaming.rights.usecases import Rights
from streaming.settings import AgentSettings, ApiSettings, CommandSettings, MigrateSettings
from streaming.snapshots.api import node as snapshots_node
from streaming.snapshots.api import router as snapshots_router
from streaming.snapshots.usecases import Previews, Snapshots, Stills, Thumbnails
from streaming.streams.api import router as streams_router
from streaming.streams.repository import PostgresFleet, PostgresStreams, camera_copy
from streaming.streams.usecases import EdgeMaps, Paths, Reconciler, Streams
from streaming.timeline.api import router as timeline_router
from streaming.timeline.repository import PostgresInterruptions, PostgresOpenFiles, PostgresTimeline, PostgresWatches
from streaming.timeline.usecases import ClosedGaps, OpenFiles, Pruning, StreamInterruptions, TimelineReader, Timelines
from streaming.tombstones.api import router as tombstones_router
from streaming.tombstones.repository import PostgresTombstones
from streaming.tombstones.usecases import Tombstones
from streaming.usage.api import router as usage_router
from streaming.usage.repository import PostgresUsage
from streaming.usage.usecases import RecordingUsage

_NAMES_LOOK = timedelta(seconds=1)
_VIEWERS_LOOK = timedelta(seconds=2)
_CLIPS_LOOK = timedelta(seconds=1)
_DISK_RETRY = timedelta(seconds=10)
_COPIES_LOOK = timedelta(seconds=1)
_RESTORES_LOOK = timedelta(seconds=2)
_UPKEEP_EVERY = timedelta(hours=1)
_ARCHIVE_RETRY = timedelta(minutes=1)


def create_api(settings: ApiSettings) -> Service:
    """The API with the media server's auth hook on the private port, and the reconciler that drives the media server."""
    clock = SystemClock()
    db = Database(settings.db, clock)
    bus = Bus(settings.rabbit, settings.service_name, clock)
    state = connect_redis(settings.redis.state_url)
    auth = AuthRuntime(state, clock)
    tenants = TenantDirectory(state)
    media, edge = settings.media, settings.edge
    server = MediaMtx(media.api_url, media.api_user, media.api_password.get_secret_value())
    refusals = Refusals(db.uow, auth.authenticator, settings.service_name)
    viewings = Viewings(db.uow, clock, settings.service_name)
    authorizer = Authorizer(
        auth.authenticator,
        refusals,
        viewings,
        clock,
        reader=(media.reader_user, media.reader_password.get_secret_value()),
        operator=(media.api_user, media.api_password.get_secret_value()),
    )

    def read_url(camera_id: UUID) -> str:
        return f"{media.rtsp_url.rstrip('/')}/{path_name(camera_id)}"

    streams = Streams(db.uow, PostgresStreams, read_url)
    cache = connect_redis(settings.redis.cache_url)
    edges = EdgeMaps([HaproxyMap(address) for address in edge.sockets], edge.node)
    names = CameraNames(SystemNames(), TlsCertificates(), settings.addresses.policy(), clock, timedelta(seconds=media.names_every_s))
    paths = Paths(server, Vault(settings.vault.keys), names, clock)
    interruptions = StreamInterruptions(db.uow, PostgresInterruptions, PostgresWatches(db), edge.node)
    reconciler = Reconciler(
        PostgresFleet(db),
        server,
        paths,
        streams,
        clock=clock,
        stall_after=timedelta(seconds=media.stall_after_s),
        listeners=(authorizer.learn, edges.learn),
        watchers=(authorizer.watch,),
        followers=(interruptions.follow,),
        ailments=interruptions.ailments,
    )
    viewers = Viewers(server, auth, authorizer, viewings, RedisAttendance(state), clock)
    reader = _reader(clock)
    timelines = Timelines(db.uow, reader, streams, clock, lambda uow, *span: PostgresCopies(uow).spans(*span))
    clips = Clips(
        db.uow,
        PostgresClips,
        streams,
        reader.has_recording,
        lambda uow, *span: PostgresSegments(uow).weigh(*span),
        ObjectFiles(settings.objects, settings.clips.public_endpoint),
        vault=Vault(settings.vault.keys),
        revocations=auth.revocations,
        live=LiveBus(cache),
        clock=clock,
        bounds=ClipBounds(timedelta(seconds=settings.clips.longest_s), settings.clips.waiting, int(settings.clips.city_gb * GIGABYTE)),
    )
    relay = OutboxRelay(db, bus.publisher, clock)
    tickets = PlaybackTickets(db.uow, PostgresPlaybackSessions, PostgresPlayedFiles, PostgresRights, clock)
    RightsEvents(Rights(db.uow, PostgresRights), viewers.end_user).subscribe(bus)
    CameraEvents(db.uow, camera_copy, changed=names.changed.set).subscribe(bus)
    bus.publishes(StreamWentOnline, StreamWentOffline, StreamDegraded, RecordingSegmentClosed, AuditRecorded)
    bus.publishes(RecordingStopped, RecordingResumed, RecordingGapClosed, HoldPlaced, HoldLifted, StorageRanLow)

    @asynccontextmanager
    async def watch() -> AsyncIterator[None]:
        yield  # not behind here where an error ends it
        await interruptions.stop(clock.now())

    @asynccontextmanager
    async def media_client() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await server.close()

    return create_app(
        settings,
        title="GT-Vision streaming",
        lifespan_parts=(
            *(lambda: db, watch, media_client, lambda: cache, lambda: state),
            *(lambda: auth, lambda: tenants, lambda: refusals, lambda: bus),
        ),
        routers=(
            *(streams_router, usage_router, recordings_router, retention_router, tombstones_router, forecast_router, timeline_router),
            *(playback_router, snapshots_router, clips_router, archive_router),
        ),
        private_routers=(hooks,),
        readiness={"postgresql": db.check, "rabbitmq": bus.check, "keys": auth.check},
        asyncapi=bus.asyncapi,
        loops={
            "outbox": relay.run,
            "inbox": db.forget_handled,
            "idempotency": KeyKeeping(db.uow, clock).run,
            "reconciler": every(timedelta(seconds=media.check_interval_s), reconciler.reconcile, wake=names.changed),
            "names": every(_NAMES_LOOK, names.look_up, wake=names.wake),
            "edges": every(timedelta(seconds=edge.interval_s), edges.sync, wake=edges.wake),
            "refusals": refusals.run,
            "viewers": every(_VIEWERS_LOOK, viewers.end_refused),
        },
        provides=(
            *(auth.authenticator, tenants, streams, authorizer, tickets),
            *(Recordings(db.uow, PostgresSegments, streams), RecordingUsage(db.uow, PostgresUsage, streams)),
            *(timelines, clips, Snapshots(db.uow, streams.find_kept, timelines.show, RedisStillTickets(state), clock)),
            Holds(db.uow, PostgresHolds, clock, find_camera=streams.find_kept, visible=streams.visible),
            Forecasts(db.uow, PostgresUsage, tenants.known_settings, cameras=streams.all_kept),
            Tombstones(db.uow, PostgresTombstones, streams.find_kept),
            Archives(db.uow, PostgresCopies, PostgresRestores, clock, find_camera=streams.find_kept, cameras=streams.all_kept),
        ),
    )


class _Archive:
    """What the recorder agent does for off-site copies, where the installation has them."""

    def __init__(
        self, settings: AgentSettings, db: Database, files: RecordingsFolder, clock: Clock, tenants: TenantDirectory, trusted: TrustedNow
    ) -> None:
        self.followers: list[Follower] = []
        self.spared = Spared()
        self.went: Went | None = None
        self.loops: dict[str, Loop] = {}
        self.parts: list[Callable[[], AbstractAsyncContextManager[object]]] = []
        if not (chosen := settings.archive).url:
            return
        from streaming.gateways.s3_archive import S3Archive  # no other process pays for its library

        archive = S3Archive(chosen, clock, storage_class=chosen.storage_class, max_mbps=chosen.max_mbps)
        copying = Copying(db.uow, PostgresCopies, files, archive, clock)
        restoring = Restoring(
            *(db.uow, PostgresCopies, PostgresRestores, PostgresSegments, PostgresIndex(db), PostgresTombstones),
            files=files,
            archive=archive,
            clock=clock,
            trusted_now=trusted,
            free_floor=settings.recording.free_floor,
        )
        self.spared, self.went = Spared(copying.awaits, restoring.keeps, restoring.brought_back), restoring.went
        rows = db.uow, PostgresCopies, PostgresHolds, PostgresTombstones
        upkeep = CopyUpkeep(*rows, files, archive, settings=tenants.known_settings, trusted_now=trusted)
        self.followers = [copying.follow, upkeep.follow, restoring.follow]
        self.parts = [lambda: aclosing(archive)]
        self.loops = {
            "copies": every(_COPIES_LOOK, copying.copy_some, retry=Backoff(_COPIES_LOOK, _ARCHIVE_RETRY), lasting=True),
            "copies brought back": every(_RESTORES_LOOK, restoring.bring_back, retry=Backoff(_RESTORES_LOOK, _ARCHIVE_RETRY), lasting=True),
            "copies expired": every(_UPKEEP_EVERY, upkeep.expire, retry=_ARCHIVE_RETRY, lasting=True),
            "copies read": every(_UPKEEP_EVERY, upkeep.read_one_back, retry=_ARCHIVE_RETRY, lasting=True),
        }


def create_agent(settings: AgentSettings) -> Worker:
    """The recorder agent: beside each media server, on the recordings volume. nginx there asks it who may see what."""
    clock = SystemClock()
    db = Database(settings.db, clock)
    bus = Bus(settings.rabbit, settings.service_name, clock)
    cache, state = connect_redis(settings.redis.cache_url), connect_redis(settings.redis.state_url)
    tenants = TenantDirectory(state)
    recording = settings.recording
    files, idle_after = RecordingsFolder(recording.path), timedelta(seconds=recording.idle_after_s)
    auth = AuthRuntime(state, clock)
    sessions = PlaybackSessions(db.uow, PostgresPlaybackSessions, PostgresRights, PostgresTenants(db), auth.revocations, clock)
    playlists = Playlists(db.uow, PostgresPlayedFiles, files, clock, idle_after)
    limits = Limits(max_bytes=int(recording.max_gb * GIGABYTE), free_floor=recording.free_floor)
    trusted_now = TrustedTime(db.uow, clock).now
    archive = _Archive(settings, db, files, clock, tenants, trusted_now)
    work, most = settings.clips.work_path or recording.path / ".clips", int(settings.clips.max_gb * GIGABYTE)
    folder = ClipFolder(recording.path, work, clock, max_bytes=most, free_floor=recording.free_floor)
    retention = Retention(
        *(db.uow, PostgresSegments, PostgresHolds, PostgresTombstones, PostgresHeld(db), files),
        trusted_now=trusted_now,
        limits=limits,
        settings=tenants.known_settings,
        spared=archive.spared,
        went=archive.went,
        wanted=folder.wanted_bytes,
    )
    used = db.uow, PostgresUsage, files, tenants.known_settings, lambda: retention.held_state
    storage = StorageWatch(recording.node, LowMarks(recording.low_free, recording.low_days), clock)
    count = UsageCount(*used, clock=clock, limits=limits, idle_after=idle_after, storage=storage)
    thumbnails = Thumbnails(files, PyAvPictures(recording.path, clock), clock=clock, idle_after=idle_after)
    previews = Previews(files, SpriteSheets(recording.path), clock)
    stills = Stills(
        *(db.uow, PostgresRights, RedisStillTickets(state), auth.revocations),
        *(files, PyAvPictures(recording.path, clock)),
        clock=clock,
    )
    open_files = OpenFiles(db.uow, PostgresOpenFiles, idle_after)
    pictures = PictureWatch(db.uow, PostgresInterruptions, PostgresWatches(db), PostgresFleet(db), files, clock=clock)
    watch = RecordingWatch(db.uow, PostgresInterruptions, PostgresWatches(db), PostgresFleet(db), files, pictures.written_at)
    comparison = Comparison(db.uow, PostgresIndexedFiles, PostgresInterruptions, files, clock, idle_after)
    pruning = Pruning(db.uow, PostgresInterruptions, PostgresWatches(db), PostgresFleet(db), trusted_now)
    gaps = ClosedGaps(_reader(clock), PostgresTimeline, PostgresStreams)
    recorder = Recorder(
        db.uow,
        PostgresSegments,
        PostgresFleet(db),
        PostgresIndex(db),
        files,
        clock=clock,
        idle_after=idle_after,
        followers=(
            *archive.followers,
            *(open_files.follow, pictures.follow, watch.follow, playlists.follow),
            retention.follow,
            count.follow,
            thumbnails.follow,
            comparison.follow,
        ),
        added=gaps.tell,
    )
    live, store, queue = LiveBus(cache), ObjectFiles(settings.objects), PostgresClipQueue(db)
    making = ClipMaking(
        *(db.uow, PostgresClips, queue, files, folder, store),
        live=live,
        clock=clock,
        keep_for=timedelta(days=settings.clips.keep_days),
    )
    tidying = ClipTidying(db.uow, PostgresClips, queue, store, live=live, clock=clock, trusted_now=trusted_now)
    scan = every(timedelta(seconds=recording.scan_interval_s), recorder.keep_index, lasting=True)
    pace = timedelta(seconds=1 / recording.thumbnails_per_s)
    return create_worker(
        settings,
        title="GT-Vision recorder agent",
        lifespan_parts=(lambda: db, lambda: cache, lambda: state, lambda: auth, lambda: tenants, lambda: bus, *archive.parts),
        loops=archive.loops
        | {
            "outbox": OutboxRelay(db, bus.publisher, clock).run,
            "recorder": scan,
            "clips": every(_CLIPS_LOOK, making.make_waiting, lasting=True),
            "clips tidying": every(timedelta(minutes=1), tidying.tidy),
            "explanations": every(_UPKEEP_EVERY, pruning.prune, retry=_ARCHIVE_RETRY, lasting=True),
            "index": every(_UPKEEP_EVERY, comparison.hold_against_disk, retry=_ARCHIVE_RETRY, lasting=True),
            "thumbnails": every(pace, thumbnails.make_next, retry=_DISK_RETRY, lasting=True),
        },
        private_routers=(playback_node, snapshots_node),
        readiness={"postgresql": db.check, "rabbitmq": bus.check},
        provides=(sessions, playlists, SilentFiles(playlists, files), previews, stills),
    )


def _reader(clock: Clock) -> TimelineReader:
    return TimelineReader(PostgresTimeline, clock, deleted=lambda uow, *span: PostgresTombstones(uow).spans(*span))


async def _recordings(arguments: Sequence[str]) -> int:
    """`gtv recordings ...`, beside the recordings. The agent may be running."""
    asked, settings, clock = reindex_cli.parse(arguments), load(CommandSettings), SystemClock()
    recording = settings.recording
    files, idle_after = RecordingsFolder(recording.path), timedelta(seconds=recording.idle_after_s)
    async with Database(settings.db, clock) as db:
        if asked.verb in holds_cli.VERBS:
            return await holds_cli.run(asked, HoldsOfCities(db.uow, PostgresHolds, PostgresHeld(db), clock))
        fleet, index = PostgresFleet(db), PostgresIndex(db)
        recorder = Recorder(db.uow, PostgresSegments, fleet, index, files, clock=clock, idle_after=idle_after)
        comparison = Comparison(db.uow, PostgresIndexedFiles, PostgresInterruptions, files, clock, idle_after)
        cameras = {camera.camera_id: camera for camera in await fleet.cameras()}
        look = Look(await files.scan(looked_at := clock.now()), cameras, looked_at)
        return await reindex_cli.run(asked, Reindexing(comparison, recorder.add, index.make_room), look)


def main() -> None:
    """Start the role, or run the command, that the command line names."""
    role, *arguments = sys.argv[1:] or [""]
    if role == "recordings":
        _command(role, _recordings(arguments))
    elif role == "api" and not arguments:
        run(create_api(load(ApiSettings)))
    elif role == "agent" and not arguments:
        run(create_agent(load(AgentSettings)))
    elif role == "migrate" and not arguments:
        run_migrations("streaming", Path(__file__).resolve().parent, load(MigrateSettings).db.migration_url)
    else:
        sys.exit("usage: python -m streaming api|agent|migrate|recordings")


def _command(name: str, work: Coroutine[Any, Any, int]) -> None:
    try:
        code = asyncio.run(work)
    except GTVisionError as error:
        sys.exit(f"{name}: {error.message}")
    if code:
        sys.exit(code)
