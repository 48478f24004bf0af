"""Clocked work: the reconciler beside the API, the recorder agent beside the media server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from chassis.health import Heartbeat
from chassis.logs import get_logger
from chassis.vault import Vault
from gtvision.camera import CameraState, path_name
from gtvision.errors import Invalid, Unavailable
from gtvision.events import StreamCause
from gtvision.time import Clock
from streaming import metrics
from streaming.domain import DesiredCamera, PathStatus, SegmentFile, StreamView, finished, to_delete
from streaming.ports import EdgeMap, Fleet, MediaServer, SegmentStore
from streaming.usecases import ChangedAfterwards, Doorman, Store, announce_stream, delete_recording, index_segment, reconcile_paths

log = get_logger(__name__)


@dataclass
class Reconciler:
    """Every few seconds: read the desired cameras, correct the media server's paths, judge every stream by its progress."""

    store: Store
    fleet: Fleet
    media: MediaServer
    vault: Vault
    doorman: Doorman
    clock: Clock
    read_url: Callable[[UUID], str]
    interval_s: float
    stall_after: timedelta
    place: Callable[[Sequence[DesiredCamera]], None] = lambda _: None
    """Told at each look where cameras are."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _streams: dict[UUID, StreamView] = field(default_factory=dict)

    async def run(self, heartbeat: Heartbeat) -> None:
        """For ever. A round that fails is counted and tried again."""
        self._streams = {view.camera_id: view for view in await self.fleet.streams()}
        while True:
            heartbeat.beat()
            try:
                await self.round()
            except Unavailable as error:
                metrics.reconcile_failures.inc()
                log.warning("reconcile_failed", reason=error.message)
            self.wake.clear()
            await heartbeat.wait(self.wake, self.interval_s)

    async def round(self) -> None:
        """One look and its corrections. Raises Unavailable where the database cannot be asked."""
        cameras = await self.fleet.cameras()
        self.doorman.fleet = {camera.camera_id: camera for camera in cameras}
        self.place(cameras)
        statuses: dict[str, PathStatus] = {}
        reachable = True
        try:
            await reconcile_paths(self.media, cameras, self.vault)
            statuses = await self.media.statuses()
        except Unavailable as error:
            reachable = False
            metrics.reconcile_failures.inc()
            log.warning("media_server_unavailable", reason=error.message)
        await self._judge(cameras, statuses, reachable)

    async def _judge(self, cameras: list[DesiredCamera], statuses: dict[str, PathStatus], reachable: bool) -> None:
        now = self.clock.now()
        living = {camera.camera_id: camera for camera in cameras if not camera.removed}
        for gone in self._streams.keys() - living.keys():
            del self._streams[gone]
        for camera in living.values():
            before = self._streams.get(camera.camera_id) or StreamView(camera_id=camera.camera_id, tenant_id=camera.tenant_id)
            after = self._after(camera, before, statuses, reachable, now)
            if after.revision != before.revision:
                await announce_stream(self.store, after, self.read_url(camera.camera_id))
                if after.state is not CameraState.ONLINE and not camera.enabled:
                    log.info("stream_disabled", camera_id=str(camera.camera_id))
            self._streams[camera.camera_id] = after
        for state in CameraState:
            metrics.streams.labels(state.value).set(sum(view.state is state for view in self._streams.values()))

    def _after(
        self, camera: DesiredCamera, before: StreamView, statuses: dict[str, PathStatus], reachable: bool, now: datetime
    ) -> StreamView:
        if not camera.enabled:
            return before.become(CameraState.DISABLED, StreamCause.DISABLED, now)
        status = statuses.get(path_name(camera.camera_id))
        if reachable and status is None:
            # The path was added a moment ago; the answer comes before the effect.
            status = PathStatus(name=path_name(camera.camera_id), available=False, inbound_bytes=0)
        return before.observe(status, now, self.stall_after)


@dataclass
class EdgeKeeper:
    """Keeps every edge's map of cameras whole: at each change, and again and again, because an edge that restarts knows nothing."""

    edges: Sequence[EdgeMap]
    node: str
    """Our media node; every camera is on it as long as there is one."""
    interval_s: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _nodes: dict[str, str] | None = None
    _failing: set[str] = field(default_factory=set)

    def place(self, cameras: Sequence[DesiredCamera]) -> None:
        """Take note of where cameras are."""
        nodes = {path_name(camera.camera_id): self.node for camera in cameras if camera.wanted}
        if nodes != self._nodes:
            self._nodes = nodes
            self.wake.set()

    async def run(self, heartbeat: Heartbeat) -> None:
        """For ever."""
        while True:
            heartbeat.beat()
            self.wake.clear()
            await self.round()
            await heartbeat.wait(self.wake, self.interval_s)

    async def round(self) -> None:
        """Tell all edges. As long as we do not know the cameras ourselves, nobody's map is touched."""
        if (nodes := self._nodes) is not None:
            await asyncio.gather(*(self._tell(edge, nodes) for edge in self.edges))

    async def _tell(self, edge: EdgeMap, nodes: dict[str, str]) -> None:
        try:
            changed = await edge.sync(nodes)
        except Unavailable as error:
            metrics.edge_syncs.labels("failed").inc()
            if edge.name not in self._failing:
                log.warning("edge_unavailable", edge=edge.name, reason=error.message)
            self._failing.add(edge.name)
            return
        metrics.edge_syncs.labels("done").inc()
        if changed or edge.name in self._failing:
            log.info("edge_map_written", edge=edge.name, changes=changed, cameras=len(nodes))
        self._failing.discard(edge.name)


@dataclass
class RecorderAgent:
    """Indexes what the media server recorded, and deletes by age, quota and free space. The file system is the truth."""

    store: Store
    fleet: Fleet
    files: SegmentStore
    clock: Clock
    interval_s: float
    idle_after: timedelta
    max_bytes: int
    free_floor: float
    _known: dict[str, int] = field(default_factory=dict)
    """Size in bytes by path of what is in the index, or can never be."""
    _room: tuple[date, date] | None = None

    async def run(self, heartbeat: Heartbeat) -> None:
        """For ever. The first round reads the whole index of what is still on disk."""
        while True:
            heartbeat.beat()
            try:
                await self.round(heartbeat)
            except Unavailable as error:
                log.warning("recorder_round_failed", reason=error.message)
            await heartbeat.sleep(self.interval_s)

    async def round(self, heartbeat: Heartbeat) -> None:
        """Index every finished file that is not in the index, then delete what policy says."""
        files = await self.files.scan()
        metrics.recordings_bytes.set(sum(file.size_bytes for file in files))
        cameras = {camera.camera_id: camera for camera in await self.fleet.cameras()}
        if files and not self._known:
            self._known = await self.fleet.indexed_sizes(min(file.started_at for file in files))
        done = finished(files, self.clock.now(), self.idle_after)
        await self._make_room(done)
        for file in done:
            camera = cameras.get(file.camera_id)
            if camera is None or self._known.get(str(file.path)) == file.size_bytes:
                continue
            await self._index(camera, file)
            heartbeat.beat()
        await self._delete(files, cameras)

    async def _make_room(self, files: list[SegmentFile]) -> None:
        tomorrow = self.clock.now().date() + timedelta(days=1)
        first = min((file.started_at.date() for file in files if str(file.path) not in self._known), default=tomorrow)
        if self._room is None or first < self._room[0] or tomorrow > self._room[1]:
            await self.fleet.make_room(first, tomorrow)
            self._room = first, tomorrow

    async def _index(self, camera: DesiredCamera, file: SegmentFile) -> None:
        try:
            await index_segment(self.store, self.files, camera.tenant_id, file)
            self._known[str(file.path)] = file.size_bytes
        except ChangedAfterwards as error:
            self._known[str(file.path)] = file.size_bytes
            metrics.changed.inc()
            log.error("recording_changed", path=str(file.path), reason=error.message)
        except Invalid as error:
            self._known[str(file.path)] = file.size_bytes
            metrics.unplayable.inc()
            log.warning("recording_unplayable", path=str(file.path), reason=error.message)
        except (FileNotFoundError, TimeoutError) as error:
            log.warning("recording_not_measured", path=str(file.path), reason=type(error).__name__)

    async def _delete(self, files: list[SegmentFile], cameras: dict[UUID, DesiredCamera]) -> None:
        doomed = to_delete(
            files,
            max_bytes=self.max_bytes,
            missing_free_bytes=await self.files.missing_free_bytes(self.free_floor),
            keep_days={camera.camera_id: camera.recording.retention_days for camera in cameras.values() if not camera.removed},
            now=self.clock.now(),
        )
        for file in doomed:
            camera = cameras.get(file.camera_id)
            await delete_recording(self.store, self.files, camera.tenant_id if camera else None, file)
            self._known.pop(str(file.path), None)
