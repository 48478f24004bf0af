"""HTTP in: streams, recordings, and the media server's auth hook (private port)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status
from pydantic import BaseModel, Field

from chassis.auth import requires
from chassis.http import Page, StrictModel, decode_cursor, encode_cursor
from city.purposes import requires_with_purpose
from gtvision.camera import CameraState
from gtvision.errors import Forbidden, GTVisionError, Invalid, NotFound, Unauthenticated, Unavailable
from gtvision.events import StreamCause
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from streaming import metrics
from streaming.domain import AccessRequest, Segment, StreamView
from streaming.usecases import Doorman, RecordingQuery, Store, find_stream, list_recordings, list_streams

router = APIRouter(prefix="/api/v1", tags=["streaming"])
hooks = APIRouter(prefix="/internal/media", tags=["internal"])

PageSize = Annotated[int, Query(ge=1, le=500, description="Items a page")]
Cursor = Annotated[str | None, Query(max_length=512, description="`next` of the page before")]


class StreamOut(BaseModel):
    """What a camera's stream is doing. `hls_path` and `whep_path` take a live ticket in `?ticket=`."""

    camera_id: UUID
    name: str
    state: CameraState
    cause: StreamCause | None
    since: datetime | None
    revision: int
    codecs: tuple[str, ...]
    hls_path: str
    whep_path: str

    @classmethod
    def of(cls, view: StreamView, name: str) -> StreamOut:
        return cls(
            camera_id=view.camera_id,
            name=name,
            state=view.state,
            cause=view.cause,
            since=view.since,
            revision=view.revision,
            codecs=view.codecs,
            hls_path=f"/hls/cam_{view.camera_id}/index.m3u8",
            whep_path=f"/whep/cam_{view.camera_id}/whep",
        )


class SegmentOut(BaseModel):
    """A recorded file: its true span (UTC), size in bytes, SHA-256 and its link in the camera's chain."""

    segment_id: UUID
    camera_id: UUID
    started_at: datetime
    ended_at: datetime
    duration_s: float
    size_bytes: int
    sha256: str
    chain: str

    @classmethod
    def of(cls, segment: Segment) -> SegmentOut:
        return cls(
            segment_id=segment.segment_id,
            camera_id=segment.camera_id,
            started_at=segment.started_at,
            ended_at=segment.ended_at,
            duration_s=(segment.ended_at - segment.started_at).total_seconds(),
            size_bytes=segment.size_bytes,
            sha256=segment.sha256,
            chain=segment.chain,
        )


async def store_of(request: Request) -> Store:
    """The store that `app` built."""
    store: Store = request.app.state.store
    return store


StoreDep = Annotated[Store, Depends(store_of)]


@router.get("/streams", summary="Streams of the cameras that you may see")
async def get_streams(
    caller: Annotated[Caller, requires(Scope.STREAMS_READ)], store: StoreDep, limit: PageSize = 100, cursor: Cursor = None
) -> Page[StreamOut]:
    after = decode_cursor(cursor, after=UUID)["after"] if cursor else None
    rows = await list_streams(store, caller, after, limit)
    following = encode_cursor(after=rows[-1][0].camera_id) if len(rows) == limit else None
    return Page(items=[StreamOut.of(view, name) for view, name in rows], next=following)


@router.get("/streams/{camera_id}", summary="One camera's stream")
async def get_stream(camera_id: UUID, caller: Annotated[Caller, requires(Scope.STREAMS_READ)], store: StoreDep) -> StreamOut:
    return StreamOut.of(*await find_stream(store, caller, camera_id))


class RecordingParams(StrictModel):
    """Which recordings."""

    camera_id: UUID
    since: Annotated[Instant, Field(alias="from")]
    until: Annotated[Instant, Field(alias="to")]
    limit: Annotated[int, Query(ge=1, le=500)] = 100
    cursor: Annotated[str | None, Query(max_length=512)] = None


@router.get("/recordings", summary="Recorded segments of a camera that overlap a range, newest first")
async def get_recordings(
    query: Annotated[RecordingParams, Query()], caller: Annotated[Caller, requires_with_purpose(Scope.RECORDINGS_READ)], store: StoreDep
) -> Page[SegmentOut]:
    if query.until <= query.since:
        raise Invalid("`to` must be after `from`.")
    segments = await list_recordings(store, caller, _recording_query(query))
    last = segments[-1] if len(segments) == query.limit else None
    following = encode_cursor(at=last.started_at, id=last.segment_id) if last else None
    return Page(items=[SegmentOut.of(segment) for segment in segments], next=following)


def _recording_query(query: RecordingParams) -> RecordingQuery:
    before = None
    if query.cursor:
        values = decode_cursor(query.cursor, at=datetime, id=UUID)
        before = values["at"], values["id"]
    return RecordingQuery(camera_id=query.camera_id, since=query.since, until=query.until, before=before, limit=query.limit)


class HookIn(BaseModel):
    """What MediaMTX posts. It adds fields between versions, so unknown ones are ignored."""

    ip: str = ""
    user: str = ""
    password: str = ""
    token: str = ""
    action: Literal["publish", "read", "playback", "api", "metrics", "pprof"]
    path: str = ""
    protocol: str = ""
    id: UUID | None = None
    query: str = ""


@hooks.post("/auth", summary="The media server's auth hook", status_code=status.HTTP_204_NO_CONTENT)
async def authorise(body: HookIn, request: Request) -> Response:
    doorman: Doorman = request.app.state.doorman
    with metrics.admission_seconds.time():
        try:
            await doorman.admit(_access_request(body))
        except GTVisionError as refused:
            metrics.admissions.labels(body.protocol or body.action, refused.code).inc()
            return Response(status_code=_hook_status(refused))
    metrics.admissions.labels(body.protocol or body.action, "admitted").inc()
    return Response(status_code=status.HTTP_204_NO_CONTENT)


def _access_request(body: HookIn) -> AccessRequest:
    query = parse_qs(body.query)
    return AccessRequest(
        action=body.action,
        path=body.path,
        protocol=body.protocol,
        user=body.user,
        password=body.password,
        ticket=query.get("ticket", [""])[0],
        session=body.id,
        address=body.ip,
    )


def _hook_status(refused: GTVisionError) -> int:
    if isinstance(refused, Unavailable):
        return status.HTTP_503_SERVICE_UNAVAILABLE
    if isinstance(refused, Forbidden | NotFound):
        return status.HTTP_403_FORBIDDEN
    return status.HTTP_401_UNAUTHORIZED if isinstance(refused, Unauthenticated) else status.HTTP_403_FORBIDDEN
