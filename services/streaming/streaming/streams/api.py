"""HTTP in: what the cameras' streams are doing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from chassis.auth import requires
from chassis.http import Page, Provided, decode_cursor, encode_cursor
from gtvision.camera import CameraState
from gtvision.events import StreamCause
from gtvision.tenancy import Caller, Scope
from streaming.streams.domain import StreamView
from streaming.streams.usecases import Streams

router = APIRouter(prefix="/api/v1", tags=["streaming"])


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


StreamsDep = Annotated[Streams, Provided(Streams)]


@router.get("/streams", summary="Streams of the cameras that you may see")
async def get_streams(
    caller: Annotated[Caller, requires(Scope.STREAMS_READ)], streams: StreamsDep, limit: PageSize = 100, cursor: Cursor = None
) -> Page[StreamOut]:
    after = decode_cursor(cursor, after=UUID)["after"] if cursor else None
    rows = await streams.list(caller, after, limit)
    following = encode_cursor(after=rows[-1][0].camera_id) if len(rows) == limit else None
    return Page(items=[StreamOut.of(view, name) for view, name in rows], next=following)


@router.get("/streams/{camera_id}", summary="One camera's stream")
async def get_stream(camera_id: UUID, caller: Annotated[Caller, requires(Scope.STREAMS_READ)], streams: StreamsDep) -> StreamOut:
    return StreamOut.of(*await streams.find(caller, camera_id))
