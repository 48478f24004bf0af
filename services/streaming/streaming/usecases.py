"""What streaming does. One method a verb, one transaction each."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

from chassis.auth import Authenticator
from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from chassis.vault import Unsealable, Vault
from city.audit import AuditEntry, record
from city.refusals import Attempt, Refusals
from gtvision.audit import Action
from gtvision.camera import CameraState, camera_of_path, path_name
from gtvision.camera_urls import CameraUrl, parse_camera_url
from gtvision.errors import BadCredentials, Conflict, Forbidden, GTVisionError, Invalid, InvalidCameraUrl, NotFound, Unavailable
from gtvision.events import RecordingSegmentClosed, StreamCause, StreamWentOffline, StreamWentOnline
from gtvision.ids import derived_id
from gtvision.tenancy import Caller
from streaming import metrics
from streaming.domain import (
    LIVE_PROTOCOLS,
    AccessRequest,
    Change,
    DesiredCamera,
    PathConfig,
    Segment,
    SegmentFile,
    StreamView,
    next_link,
    plan,
    segment_id_of,
)
from streaming.ports import MediaServer, SegmentRepository, SegmentStore, Sources, StreamRepository

log = get_logger(__name__)


class Repositories(Protocol):
    """The tables of one unit of work."""

    @property
    def streams(self) -> StreamRepository: ...
    @property
    def segments(self) -> SegmentRepository: ...


RepositoryFactory = Callable[[UnitOfWork], Repositories]


@dataclass(frozen=True, slots=True)
class Store:
    """A transaction and what can be done in it."""

    uow: UowFactory
    repositories: RepositoryFactory


# --- desired state -----------------------------------------------------------------------------------------------------------


async def reconcile_paths(
    media: MediaServer, cameras: Sequence[DesiredCamera], vault: Vault, sources: Sources, well: Container[UUID]
) -> set[UUID]:
    """Bring the media server to what is wanted, one change at a time; which cameras' addresses are refused.

    A camera whose address cannot be opened, leads where it must not or is not known yet, or that the server refuses, is left out: it must
    not hold up the others. `well` are the cameras whose streams make progress.
    """
    actual = {path.name: path for path in await media.paths()}
    urls: list[CameraUrl] = []
    desired: list[PathConfig] = []
    refused: set[UUID] = set()
    for camera in cameras:
        if not camera.wanted:
            continue
        try:
            urls.append(parse_camera_url(vault.open(camera.url_encrypted)))
            name = path_name(camera.camera_id)
            source, fingerprint = sources.source(urls[-1], actual.get(name), well=camera.camera_id in well)
            desired.append(PathConfig(name, source, camera.recording.enabled, fingerprint))
        except Unsealable:
            log.error("camera_url_cannot_be_opened", camera_id=str(camera.camera_id))
        except InvalidCameraUrl:
            refused.add(camera.camera_id)
        except Unavailable:
            log.debug("camera_name_unknown", camera_id=str(camera.camera_id))
    sources.keep(urls)
    await _apply(media, plan(desired, actual.values()))
    return refused


async def _apply(media: MediaServer, changes: Iterable[Change]) -> None:
    for change in changes:
        try:
            await media.apply(change)
        except Invalid as refused:
            metrics.path_changes.labels(change.kind.value, "refused").inc()
            log.error("path_change_refused", path=change.path.name, change=change.kind.value, reason=refused.message)
            continue
        metrics.path_changes.labels(change.kind.value, "done").inc()
        log.info("path_changed", path=change.path.name, change=change.kind.value)


# --- stream state ------------------------------------------------------------------------------------------------------------


async def announce_stream(store: Store, stream: StreamView, read_url: str) -> None:
    """Store a stream's new state and tell everyone in the same transaction."""
    async with store.uow(stream.tenant_id) as uow:
        await store.repositories(uow).streams.save(stream)
        if stream.state is CameraState.ONLINE:
            uow.emit(
                StreamWentOnline(camera_id=stream.camera_id, revision=stream.revision, read_url=read_url, codecs=stream.codecs),
                camera_id=stream.camera_id,
            )
        else:
            uow.emit(
                StreamWentOffline(camera_id=stream.camera_id, revision=stream.revision, cause=stream.cause or StreamCause.UNKNOWN),
                camera_id=stream.camera_id,
            )
    metrics.stream_transitions.labels(stream.state.value).inc()
    log.info("stream_changed", camera_id=str(stream.camera_id), state=stream.state.value, cause=stream.cause, revision=stream.revision)


# --- live access -------------------------------------------------------------------------------------------------------------


class Doorman:
    """Answers the media server's auth hook from memory, in well under a millisecond: the hook holds up every other reader.

    `fleet` is replaced as a whole by the reconciler. The authenticator of this process remembers spent tickets.
    """

    def __init__(self, authenticator: Authenticator, refusals: Refusals, *, reader: tuple[str, str], operator: tuple[str, str]) -> None:
        self._authenticator = authenticator
        self._refusals = refusals
        self._reader = reader
        self._operator = operator
        self.fleet: dict[UUID, DesiredCamera] = {}

    async def admit(self, request: AccessRequest) -> Caller | None:
        """The caller of a ticket, or None for a machine with a credential. Raises Unauthenticated, Forbidden, NotFound, Unavailable."""
        if request.action == "read" and request.protocol in LIVE_PROTOCOLS:
            try:
                return await self._admit_viewer(request)
            except GTVisionError as refused:
                await self._refusals.note(request.ticket, refused, _attempt(request))
                raise
        if request.action == "read" and request.protocol.startswith("rtsp"):
            _check(request, self._reader)
            return None
        if request.action in {"api", "metrics", "playback"}:
            _check(request, self._operator)
            return None
        raise Forbidden("Publishing is not open on this server.")

    async def _admit_viewer(self, request: AccessRequest) -> Caller:
        if not request.ticket:
            raise BadCredentials("A live view needs a ticket.")
        # A question outside a session (a page, an OPTIONS) spends nothing; a session does, once.
        opens = request.session is not None or request.protocol == "hls"
        claims = await self._authenticator.redeem(request.ticket, "live", single_use=opens)
        camera_id = camera_of_path(request.path)
        camera = self.fleet.get(UUID(camera_id)) if camera_id else None
        if camera is None or not camera.wanted or camera.tenant_id != claims.caller.tenant_id:
            raise NotFound("There is no such camera.")
        if claims.camera_id != camera.camera_id or not claims.caller.may_see(camera.groups):
            raise Forbidden("The ticket is for another camera.")
        return claims.caller


def _attempt(request: AccessRequest) -> Attempt:
    camera_id = camera_of_path(request.path)
    return Attempt("camera", UUID(camera_id) if camera_id else None, request.address or None)


def _check(request: AccessRequest, credential: tuple[str, str]) -> None:
    user_fits = hmac.compare_digest(request.user.encode(), credential[0].encode())
    if not (hmac.compare_digest(request.password.encode(), credential[1].encode()) and user_fits):
        raise BadCredentials


# --- recordings --------------------------------------------------------------------------------------------------------------


class ChangedAfterwards(Conflict):
    """A recording that others follow is no longer the file that was indexed."""

    code: ClassVar[str] = "recording_changed"


async def index_segment(store: Store, files: SegmentStore, tenant_id: UUID, file: SegmentFile) -> Segment | None:
    """Measure, hash, chain and announce one finished file. None if it is in the index as it is.

    A camera that froze and came back on the same connection goes on writing its last file: that one is indexed again, in its old
    place of the chain. Raises Invalid for an unplayable file, ChangedAfterwards for any other that changed.
    """
    duration = await files.measure(file.path)
    sha256 = await files.sha256(file.path)
    async with store.uow(tenant_id) as uow:
        segments = store.repositories(uow).segments
        last = await segments.last_link(file.camera_id)
        known = await segments.find(segment_id_of(file.path), file.started_at)
        if known is not None and known.sha256 == sha256:
            return None
        if known is not None and known.chain != last:
            raise ChangedAfterwards(path=str(file.path))
        previous = known.previous if known else last
        segment = Segment(
            segment_id=segment_id_of(file.path),
            tenant_id=tenant_id,
            camera_id=file.camera_id,
            path=str(file.path),
            started_at=file.started_at,
            ended_at=file.started_at + duration,
            size_bytes=file.size_bytes,
            sha256=sha256,
            previous=previous,
            chain=next_link(previous, sha256),
        )
        await segments.put(segment)
        uow.emit(_closed(segment), camera_id=segment.camera_id, event_id=derived_id("segment closed", segment.segment_id, sha256))
    metrics.segments.inc()
    metrics.segment_bytes.inc(segment.size_bytes)
    return segment


def _closed(segment: Segment) -> RecordingSegmentClosed:
    return RecordingSegmentClosed(
        camera_id=segment.camera_id,
        segment_id=segment.segment_id,
        started_at=segment.started_at,
        ended_at=segment.ended_at,
        size_bytes=segment.size_bytes,
        sha256=segment.sha256,
        chain=segment.chain,
    )


async def delete_recording(store: Store, files: SegmentStore, tenant_id: UUID | None, file: SegmentFile) -> None:
    """Remove a recording by policy: the file first, then its row, so that a crash between the two never hides a file."""
    await files.delete(file.path)
    if tenant_id is not None:
        async with store.uow(tenant_id) as uow:
            await store.repositories(uow).segments.forget(segment_id_of(file.path), file.started_at)
    metrics.deleted_bytes.inc(file.size_bytes)
    log.info("recording_deleted", path=str(file.path), size_bytes=file.size_bytes)


# --- questions ---------------------------------------------------------------------------------------------------------------


async def list_streams(store: Store, caller: Caller, after: UUID | None, limit: int) -> list[tuple[StreamView, str]]:
    """Streams that the caller may see, by camera id."""
    async with store.uow(caller.tenant_id) as uow:
        return await store.repositories(uow).streams.list_after(after, limit, caller.camera_groups)


async def find_stream(store: Store, caller: Caller, camera_id: UUID) -> tuple[StreamView, str]:
    """Raises: NotFound, also for another tenant's camera or one outside the caller's groups."""
    async with store.uow(caller.tenant_id) as uow:
        row = await store.repositories(uow).streams.get(camera_id)
    if row is None or not caller.may_see(row[2]):
        raise NotFound("There is no such camera.")
    return replace(row[0]), row[1]


@dataclass(frozen=True, slots=True)
class RecordingQuery:
    """A range of one camera's recordings; `before` is where the last page ended."""

    camera_id: UUID
    since: datetime
    until: datetime
    before: tuple[datetime, UUID] | None
    limit: int


async def list_recordings(store: Store, caller: Caller, query: RecordingQuery) -> list[Segment]:
    """Segments that overlap the range, newest first; on record, or not shown. Raises NotFound for a camera the caller may not see."""
    await find_stream(store, caller, query.camera_id)
    async with store.uow(caller.tenant_id) as uow:
        segments = store.repositories(uow).segments
        found = await segments.list_newest(query.camera_id, query.since, query.until, query.before, query.limit)
        entry = AuditEntry("camera", query.camera_id, query.camera_id, query.since, query.until, {"found": len(found)})
        record(uow, Action.RECORDINGS_LISTED, caller, entry)
    return found
