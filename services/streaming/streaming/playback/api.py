"""HTTP in: tickets on the public port; on the agent's private port what nginx asks for its viewers.

nginx hands over the path without the session's key, and the key in a header, so that it is in no log.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response, Security, status
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.responses import StreamingResponse
from fastapi.security.base import SecurityBase
from pydantic import BaseModel, Field

from chassis.http import NoStore, Provided, StrictModel, provided
from chassis.origin import origin
from city.purposes import requires_with_purpose
from gtvision.camera import camera_of_path
from gtvision.errors import GTVisionError, NotFound, Unauthenticated, Unavailable
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant, isoformat
from streaming import metrics
from streaming.playback.domain import PlaybackSession, for_vlc, playback_url
from streaming.playback.usecases import PlaybackSessions, PlaybackTickets, Playlists, SilentFiles

router = APIRouter(prefix="/api/v1", tags=["streaming"])
node = APIRouter(prefix="/internal/playback", tags=["internal"])
"""For nginx beside the recordings. `{path}` is the camera's, `cam_<id>`."""

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})?")
"""One range from a beginning on; to any other the answer is the whole file."""
KEY_HEADER, CAMERA_HEADER, FILE_HEADER = "x-playback-key", "x-playback-camera", "x-playback-file"

TicketsDep = Annotated[PlaybackTickets, Provided(PlaybackTickets)]
SessionsDep = Annotated[PlaybackSessions, Provided(PlaybackSessions)]
SilentFilesDep = Annotated[SilentFiles, Provided(SilentFiles)]
PlaylistsDep = Annotated[Playlists, Provided(Playlists)]


class PlaybackParams(StrictModel):
    """Which recordings: 24 hours of one camera at most."""

    camera_id: UUID
    since: Annotated[Instant, Field(alias="from")]
    until: Annotated[Instant, Field(alias="to")]


class PlaybackOut(BaseModel):
    """A session that waits to be opened at `url`, once, before `expires_at`. The address redirects to an HLS playlist."""

    session_id: UUID
    camera_id: UUID
    since: Annotated[datetime, Field(serialization_alias="from")]
    until: Annotated[datetime, Field(serialization_alias="to")]
    url: str
    expires_at: datetime


class RangeParams(StrictModel):
    """A part of a session's range."""

    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None


class OpenParams(RangeParams):
    """A ticket, and a part of its range."""

    ticket: Annotated[str, Query(max_length=200)] = ""


@router.get("/recordings/playback", summary="A session to watch a camera's recordings", dependencies=NoStore)
async def get_playback(
    query: Annotated[PlaybackParams, Query()],
    caller: Annotated[Caller, requires_with_purpose(Scope.RECORDINGS_READ)],
    tickets: TicketsDep,
) -> PlaybackOut:
    ticket = await tickets.issue(caller, query.camera_id, query.since, query.until)
    session = ticket.session
    return PlaybackOut(
        session_id=session.session_id,
        camera_id=session.camera_id,
        since=session.since,
        until=session.until,
        url=playback_url(session.camera_id, ticket.text),
        expires_at=ticket.expires_at,
    )


# --- beside the recordings ----------------------------------------------------------------------------------------------


class OpenedSession(SecurityBase):
    """The dependency on the session that a request of nginx names: `session: SessionDep`. Raises: as `PlaybackSessions.find`, NotFound."""

    asks_for = (PlaybackSessions,)

    def __init__(self) -> None:
        self.model = APIKey(**{"in": APIKeyIn.header}, name=KEY_HEADER)
        self.scheme_name = "playback key"

    async def __call__(self, request: Request) -> PlaybackSession:
        return await session_of(request)


async def session_of(request: Request) -> PlaybackSession:
    """Returns the session that a request of nginx names by the camera in its path, or in a header, and by its key."""
    path = request.path_params.get("path") or request.headers.get(CAMERA_HEADER, "")
    return await provided(request, PlaybackSessions).find(_camera(path), request.headers.get(KEY_HEADER, ""), origin().address)


SessionDep = Annotated[PlaybackSession, Security(OpenedSession())]


@node.get("/{path}/open", summary="Redeems a ticket")
async def open_session(path: str, query: Annotated[OpenParams, Query()], sessions: SessionsDep) -> Response:
    session, key = await sessions.open(_camera(path), query.ticket, origin().address)
    part = {"from": query.since, "to": query.until}
    asked = urlencode({name: isoformat(instant) for name, instant in part.items() if instant is not None}, safe=":")
    where = f"/cam_{session.camera_id}/{key}/index.m3u8" + (f"?{asked}" if asked else "")
    return Response(status_code=status.HTTP_302_FOUND, headers={"location": where, "cache-control": "no-store"})


@node.get("/{path}/index.m3u8", summary="The playlist of a session")
async def get_playlist(
    session: SessionDep, query: Annotated[RangeParams, Query()], playlists: PlaylistsDep, user_agent: Annotated[str, Header()] = ""
) -> Response:
    text = await playlists.of(session, query.since, query.until)
    return Response(for_vlc(text) if "LibVLC/" in user_agent else text, media_type=PLAYLIST_TYPE, headers={"cache-control": "no-store"})


@node.get("/{path}/silent_{name}.mp4", summary="A file without its sound")
async def get_silent_file(
    name: str, session: SessionDep, files: SilentFilesDep, byte_range: Annotated[str, Header(alias="range")] = ""
) -> Response:
    size = await files.size(session, name)
    headers, kind = {"accept-ranges": "bytes"}, "video/mp4"
    asked = _RANGE.fullmatch(byte_range)
    if asked is None:
        return StreamingResponse(
            files.read(session, name, 0, size), headers=headers | {"content-length": str(size)}, media_type="video/mp4"
        )
    start, end = int(asked[1]), min(int(asked[2] or size) + 1, size)
    if start >= end:
        return Response(status_code=status.HTTP_416_RANGE_NOT_SATISFIABLE, headers={"content-range": f"bytes */{size}"})
    headers |= {"content-length": str(end - start), "content-range": f"bytes {start}-{end - 1}/{size}"}
    return StreamingResponse(files.read(session, name, start, end), status.HTTP_206_PARTIAL_CONTENT, headers, kind)


@node.get("/allowed", summary="Whether nginx may send a file", status_code=status.HTTP_204_NO_CONTENT)
async def is_allowed(request: Request, playlists: PlaylistsDep) -> Response:
    try:
        session = await session_of(request)
        await playlists.check(session, request.headers.get(FILE_HEADER, "").rpartition(".")[0])
    except Unavailable:
        raise
    except GTVisionError as refused:
        # nginx takes these two for a refusal, and any other status for a fault
        is_unknown = isinstance(refused, Unauthenticated)
        metrics.playback_answers.labels(refused.code).inc()
        return Response(status_code=status.HTTP_401_UNAUTHORIZED if is_unknown else status.HTTP_403_FORBIDDEN)
    metrics.playback_answers.labels("allowed").inc()
    return Response(status_code=status.HTTP_204_NO_CONTENT)


def _camera(path: str) -> UUID:
    camera_id = camera_of_path(path)
    if camera_id is None or path != f"cam_{camera_id}":
        raise NotFound("There is no such camera.")
    return UUID(camera_id)
