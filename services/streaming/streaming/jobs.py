"""Clocked work: the reconciler beside the API, the recorder agent beside the media server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from logging import DEBUG, INFO
from uuid import UUID

from chassis.health import Heartbeat
from chassis.logs import get_logger
from chassis.vault import Vault
from gtvision.addresses import AddressPolicy, literal_address
from gtvision.camera import CameraState, path_name
from gtvision.camera_urls import CameraUrl
from gtvision.errors import Invalid, InvalidCameraUrl, Unavailable
from gtvision.events import StreamCause
from gtvision.time import Clock
from streaming import metrics
from streaming.domain import DesiredCamera, Fares, PathConfig, PathStatus, Pin, Place, SegmentFile, StreamView, finished, to_delete
from streaming.ports import Certificates, EdgeMap, Fleet, MediaServer, Names, SegmentStore, Sources
from streaming.usecases import ChangedAfterwards, Doorman, Store, announce_stream, delete_recording, index_segment, reconcile_paths

log = get_logger(__name__)


@dataclass
class Reconciler:
    """Every few seconds: read the desired cameras, correct the media server's paths, judge every stream by its progress."""

    store: Store
    fleet: Fleet
    media: MediaServer
    vault: Vault
    sources: Sources
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
            self.wake.clear()
            try:
                await self.round()
            except Unavailable as error:
                metrics.reconcile_failures.inc()
                log.warning("reconcile_failed", reason=error.message)
            await heartbeat.wait(self.wake, self.interval_s)

    async def round(self) -> None:
        """One look and its corrections. Raises Unavailable where the database cannot be asked."""
        cameras = await self.fleet.cameras()
        self.doorman.fleet = {camera.camera_id: camera for camera in cameras}
        self.place(cameras)
        statuses: dict[str, PathStatus] = {}
        refused: set[UUID] = set()
        reachable = True
        well = {view.camera_id for view in self._streams.values() if view.state is CameraState.ONLINE}
        try:
            refused = await reconcile_paths(self.media, cameras, self.vault, self.sources, well)
            statuses = await self.media.statuses()
        except Unavailable as error:
            reachable = False
            metrics.reconcile_failures.inc()
            log.warning("media_server_unavailable", reason=error.message)
        await self._judge(cameras, statuses, reachable, refused)

    async def _judge(self, cameras: list[DesiredCamera], statuses: dict[str, PathStatus], reachable: bool, refused: set[UUID]) -> None:
        now = self.clock.now()
        living = {camera.camera_id: camera for camera in cameras if not camera.removed}
        for gone in self._streams.keys() - living.keys():
            del self._streams[gone]
        for camera in living.values():
            before = self._streams.get(camera.camera_id) or StreamView(camera_id=camera.camera_id, tenant_id=camera.tenant_id)
            if camera.enabled and camera.camera_id in refused:
                after = before.become(CameraState.OFFLINE, StreamCause.ADDRESS_REFUSED, now)
            else:
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


_AT_ONCE = 16
_FIRST_AGAIN_S = 10.0
"""A name without an address is asked again sooner: nothing is recorded meanwhile."""


@dataclass
class _Known:
    """A name of ours: what it stands for, and when it is looked up again."""

    pin: Pin = field(default_factory=Pin)
    due_s: float = 0.0
    failing: bool = False
    """Since the last look a camera there made no progress: its certificate may have been renewed."""
    well: bool = False
    """When the reconciler last went round, a camera there made progress."""
    seen_well: bool = False
    """As `well`, while it still goes round."""
    silent_looks: int = 0
    """Looks in a row between which a camera failed and at which none was well."""

    def fares(self) -> Fares:
        """Judged at a look. One silent look may come right after a start of anybody's, and says nothing yet."""
        self.silent_looks = self.silent_looks + 1 if self.failing and not self.well else 0
        return Fares.WELL if self.well else Fares.DEAD if self.silent_looks > 1 else Fares.UNTRIED


@dataclass
class NameKeeper:
    """Where cameras' names lead (`ports.Sources`). Looks names up again and again beside the reconciler, which never waits for them."""

    names: Names
    certificates: Certificates
    policy: AddressPolicy
    clock: Clock
    every_s: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a name stands for something else; the reconciler waits for it."""
    _known: dict[Place, _Known] = field(default_factory=dict)

    def source(self, url: CameraUrl, present: PathConfig | None, *, well: bool) -> tuple[str, str]:
        literal = literal_address(url.host)
        if literal is not None:
            if not self.policy.accepts(literal):
                raise InvalidCameraUrl("The camera address leads to a network that cameras may not be in.")
            return url.text, ""
        place = Place.of(url)
        if place not in self._known:
            self._known[place] = _Known()
            self.wake.set()
        known = self._known[place]
        known.failing, known.seen_well = known.failing or not well, known.seen_well or well
        if known.pin == Pin() and present is not None:
            known.pin = Pin.adopted(url, present.source, present.fingerprint, self.policy)
        if known.pin.refused:
            raise InvalidCameraUrl("The camera's name leads to networks that cameras may not be in.")
        if known.pin.address is None or not known.pin.serves(place):
            if present is not None and present.source == url.text:  # as releases before this told it: it goes on until there is an answer
                return present.source, present.fingerprint
            raise Unavailable("The camera's name is not resolved yet.")
        return url.at(known.pin.address), known.pin.fingerprint

    def keep(self, urls: Sequence[CameraUrl]) -> None:
        for gone in self._known.keys() - {Place.of(url) for url in urls}:
            del self._known[gone]
        for known in self._known.values():
            known.well, known.seen_well = known.seen_well, False

    async def run(self, heartbeat: Heartbeat) -> None:
        """For ever."""
        while True:
            heartbeat.beat()
            self.wake.clear()
            if not await self.round():
                await heartbeat.wait(self.wake, 1.0)

    async def round(self) -> int:
        """Look up the names whose turn it is, the longest waiting first, new ones before all; how many were asked."""
        now = self.clock.monotonic()
        due = [(known.due_s, place) for place, known in self._known.items() if known.due_s <= now]
        due = sorted(due, key=lambda item: item[0])[:_AT_ONCE]
        await asyncio.gather(*(self._look(place, self._known[place]) for _, place in due))
        return len(due)

    async def _look(self, place: Place, known: _Known) -> None:
        before, failing, fares = known.pin, known.failing, known.fares()
        known.failing = False
        try:
            after = before.after(await self.names.addresses(place.host), self.policy, fares)
            if place.tls_port is not None and after.address is not None and (failing or not after.fingerprint):
                proof = await self.certificates.fingerprint(after.address, place.tls_port, place.host)
                after = replace(after, fingerprint=proof)
            outcome = "refused" if after.refused else "same" if after == before else "moved"
        except Unavailable as error:
            after, outcome = before, "unanswered"
            log.log(INFO if before.address is None else DEBUG, "camera_name_unanswered", host=place.host, reason=error.message)
        metrics.names.labels(outcome).inc()
        known.due_s = self.clock.monotonic() + (self.every_s if after.refused or after.serves(place) else min(self.every_s, _FIRST_AGAIN_S))
        known.pin = after
        if after == before:
            return
        known.silent_looks = 0
        if after.refused:
            log.warning("camera_address_refused", host=place.host, reason="all of the name's addresses are in networks without cameras")
        else:
            log.info("camera_name_leads_elsewhere", host=place.host, address=str(after.address))
        self.changed.set()


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
