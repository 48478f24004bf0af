"""HTTP in: pictures of cameras on the public port; thumbnails, sprites and stills on the agent's private port, behind nginx."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, status
from pydantic import BaseModel, Field

from chassis.http import NoStore, Provided, StrictModel
from city.purposes import requires_with_purpose
from gtvision.camera import camera_of_path, path_name
from gtvision.errors import NotFound
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from streaming import metrics
from streaming.playback.api import RangeParams, SessionDep
from streaming.snapshots.usecases import Previews, Snapshots, Stills

router = APIRouter(prefix="/api/v1", tags=["streaming"])
node = APIRouter(prefix="/internal/playback", tags=["internal"])
"""For nginx beside the recordings. `{path}` is the camera's, `cam_<id>`."""

PreviewsDep = Annotated[Previews, Provided(Previews)]
_JPEG = "image/jpeg"
_FINAL, _GROWING = "private, max-age=3600", "private, max-age=10"


class SnapshotParams(StrictModel):
    """Which picture."""

    at: Annotated[Instant | None, Field(description="Without it, the newest picture there is, which needs `live:view` only")] = None
    width: Annotated[int | None, Field(ge=64, le=3_840, description="Pixels; a picture is never made larger")] = None
    exact: Annotated[bool, Field(description="The frame that was shown at `at`; else the key frame at or before it")] = False


@router.get(
    "/snapshots/{camera_id}",
    summary="A picture of a camera: a redirect to a JPEG, whose header X-Captured-At tells its true instant",
    status_code=status.HTTP_307_TEMPORARY_REDIRECT,
    response_class=Response,
    dependencies=NoStore,
)
async def get_snapshot(
    camera_id: UUID,
    query: Annotated[SnapshotParams, Query()],
    caller: Annotated[Caller, requires_with_purpose(Scope.RECORDINGS_READ, Scope.LIVE_VIEW)],
    snapshots: Annotated[Snapshots, Provided(Snapshots)],
) -> Response:
    ticket = await snapshots.ticket(caller, camera_id, query.at, query.width, exact=query.exact)
    where = f"/playback/{path_name(camera_id)}/still.jpg?{urlencode({'ticket': ticket})}"
    return Response(status_code=status.HTTP_307_TEMPORARY_REDIRECT, headers={"location": where, "cache-control": "no-store"})


# --- beside the recordings ----------------------------------------------------------------------------------------------


class TicketParams(StrictModel):
    """A ticket."""

    ticket: Annotated[str, Query(max_length=200)] = ""


class ThumbnailOut(BaseModel):
    """The picture with which the recording of this instant begins. `file` is its address, relative to this answer's."""

    at: datetime
    file: str


class ThumbnailsOut(BaseModel):
    """The thumbnails of a range, oldest first; of more than 2,000 every second, or third."""

    items: list[ThumbnailOut]


@node.get("/{path}/still.jpg", summary="Redeems a ticket for a picture")
async def get_still(path: str, query: Annotated[TicketParams, Query()], stills: Annotated[Stills, Provided(Stills)]) -> Response:
    camera_id = camera_of_path(path)
    if camera_id is None:
        raise NotFound("There is no such camera.")
    still = await stills.redeem(UUID(camera_id), query.ticket)
    metrics.stills.inc()
    headers = {
        "x-captured-at": f"{still.captured_at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "content-disposition": f'inline; filename="{path_name(still.camera_id)}_{still.captured_at:%Y-%m-%d_%H-%M-%S-%f}.jpg"',
        "cache-control": "no-store",
    }
    return Response(still.jpeg, media_type=_JPEG, headers=headers)


@node.get("/{path}/thumbs.json", summary="The thumbnails of a session's range")
async def get_thumbnails(session: SessionDep, query: Annotated[RangeParams, Query()], previews: PreviewsDep) -> ThumbnailsOut:
    found = await previews.within(session.camera_id, *session.narrowed(query.since, query.until))
    return ThumbnailsOut(items=[ThumbnailOut(at=each.at, file=each.path.name) for each in found])


@node.get("/{path}/sprite_{hour}.jpg", summary="A sprite of an hour: a cell for each minute, ten to a row")
async def get_sprite(session: SessionDep, hour: Annotated[str, Path(pattern=r"^\d{4}-\d\d-\d\d_\d\d$")], previews: PreviewsDep) -> Response:
    try:
        start = datetime.strptime(hour, "%Y-%m-%d_%H").replace(tzinfo=UTC)
    except ValueError:
        raise NotFound("There is no such hour.") from None
    sprite = await previews.sprite(session.camera_id, start, session.since, session.until)
    return Response(sprite.jpeg, media_type=_JPEG, headers={"cache-control": _FINAL if sprite.is_final else _GROWING})
