"""HTTP in: what the cameras' streams are doing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from chassis.auth import requires
from chassis.http import Page, Provided, decode_cursor, encode_cursor
from gtvision.camera import CameraState
from gtvision.events import StreamCause
from gtvision.tenancy import Caller, Scope
from streaming.streams.domain import Playability, StreamView, Unplayable
from streaming.streams.usecases import Streams

router = APIRouter(prefix="/api/v1", tags=["streaming"])


PageSize = Annotated[int, Query(ge=1, le=500, description="Items a page")]


Cursor = Annotated[str | None, Query(max_length=512, description="`next` of the page before")]


class StreamOut(BaseModel):
    """What a camera's stream is doing. `hls_path` and `whep_path` take a live ticket in `?ticket=`.

    `codecs` are those of now, or of the last time that the stream was online. By them a browser can play the stream by WebRTC, by HLS or
    not at all (`playable` false, with the reason): then no ticket has to be asked for. Where none are known yet, all is taken for possible.
    """

    camera_id: UUID
    name: str
    state: CameraState
    cause: StreamCause | None
    since: datetime | None
    revision: int
    codecs: tuple[str, ...]
    playable: bool = Field(description="Whether a browser can play it, where the stream is online")
    unplayable_reason: Unplayable | None = Field(
        description="`codec_unsupported`: no browser plays the video; `no_video`: there is only sound"
    )
    webrtc: bool = Field(description="Whether every browser plays it by WebRTC; H.265 it does not")
    hls: bool = Field(description="Whether the media server has it in HLS; H.265 plays where the browser and its machine can")
    hls_path: str
    whep_path: str

    @classmethod
    def of(cls, view: StreamView, name: str) -> StreamOut:
        playability = Playability.of(view.codecs)
        return cls(
            camera_id=view.camera_id,
            name=name,
            state=view.state,
            cause=view.cause,
            since=view.since,
            revision=view.revision,
            codecs=view.codecs,
            playable=playability.playable,
            unplayable_reason=playability.reason,
            webrtc=playability.webrtc,
            hls=playability.hls,
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
