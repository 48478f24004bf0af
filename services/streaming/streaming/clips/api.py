"""HTTP in: clips are asked for, watched, cancelled and fetched."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import AfterValidator, BaseModel, Field

from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from city.purposes import requires_with_purpose
from gtvision.names import clean_name
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from streaming.clips.domain import Clip, ClipState, Failure, content_disposition
from streaming.clips.usecases import Clips

_PREFIX = "/api/v1/recordings/clips"
router = APIRouter(prefix=_PREFIX, tags=["streaming"])

ClipsDep = Annotated[Clips, Provided(Clips)]
Exporter = Annotated[Caller, requires(Scope.EXPORTS_MAKE)]
WithPurpose = Annotated[Caller, requires_with_purpose(Scope.EXPORTS_MAKE)]


class ClipIn(StrictModel):
    """A range of a camera's recordings as one MP4."""

    camera_id: UUID
    since: Annotated[Instant, Field(alias="from")]
    until: Annotated[Instant, Field(alias="to")]
    name: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(clean_name)]


class StretchOut(BaseModel):
    """From an instant to another."""

    since: Annotated[datetime, Field(serialization_alias="from", validation_alias="from")]
    until: Annotated[datetime, Field(serialization_alias="to", validation_alias="to")]


class ClipOut(BaseModel):
    """A clip. `to` is never in the future; the video begins with the last key frame at or before `from`.

    Gaps are closed in the video, and listed here: `recorded` and `gaps` are null until it is ready.
    """

    clip_id: UUID
    camera_id: UUID
    since: Annotated[datetime, Field(serialization_alias="from")]
    until: Annotated[datetime, Field(serialization_alias="to")]
    name: str
    state: ClipState
    progress: float = Field(description="0..1")
    size_bytes: int | None
    sha256: str | None
    reason: Failure | None = Field(
        description="Why it failed, or what it waits for (`no_room`); `format_changed`: codec or resolution changed, at `format_changed_at`"
    )
    format_changed_at: datetime | None = Field(description="Ask for one clip up to this instant, and for another one from it on")
    recorded: list[StretchOut] | None
    gaps: list[StretchOut] | None
    audio: str | None = Field(description="Codec of the sound; null where there is none, or none that an MP4 holds")
    requested_by: UUID
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None

    @classmethod
    def of(cls, clip: Clip) -> ClipOut:
        asked, manifest = clip.request, dict[str, Any](clip.manifest or {})
        return cls(
            clip_id=clip.clip_id,
            camera_id=asked.camera_id,
            since=asked.since,
            until=asked.until,
            name=asked.name,
            state=clip.state,
            progress=clip.progress,
            size_bytes=clip.size_bytes,
            sha256=clip.sha256,
            reason=clip.reason,
            format_changed_at=manifest.get("format_changed_at"),
            recorded=manifest.get("recorded"),
            gaps=manifest.get("gaps"),
            audio=manifest.get("audio"),
            requested_by=asked.requested_by,
            created_at=clip.created_at,
            finished_at=clip.finished_at,
            expires_at=clip.expires_at,
        )


class DownloadOut(BaseModel):
    """A link that needs no token, for a browser's own download; it takes byte ranges."""

    url: str
    expires_at: datetime


@router.post("", status_code=202, summary="Have a range of recordings made into one MP4")
async def make_clip(body: ClipIn, caller: WithPurpose, clips: ClipsDep, once: Idempotent, response: Response) -> ClipOut:
    clip = await clips.make_clip(caller, body.camera_id, (body.since, body.until), body.name, once)
    tell_replayed(once, response)
    return ClipOut.of(clip)


@router.get("", summary="Clips of the cameras that you may see, newest first")
async def list_clips(
    caller: Exporter,
    clips: ClipsDep,
    camera_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Page[ClipOut]:
    before = None
    if cursor:
        values = decode_cursor(cursor, at=datetime, id=UUID)
        before = values["at"], values["id"]
    found = await clips.list_clips(caller, camera_id, before, limit)
    following = encode_cursor(at=found[-1].created_at, id=found[-1].clip_id) if len(found) == limit else None
    return Page(items=[ClipOut.of(clip) for clip in found], next=following)


@router.get("/{clip_id}", summary="One clip")
async def get_clip(clip_id: UUID, caller: Exporter, clips: ClipsDep) -> ClipOut:
    return ClipOut.of(await clips.find_clip(caller, clip_id))


@router.post("/{clip_id}/cancel", summary="Give up a clip that is not ready")
async def cancel_clip(clip_id: UUID, caller: Exporter, clips: ClipsDep) -> ClipOut:
    return ClipOut.of(await clips.cancel_clip(caller, clip_id))


@router.delete("/{clip_id}", status_code=204, summary="Delete a clip's file before it expires")
async def delete_clip(clip_id: UUID, caller: Exporter, clips: ClipsDep) -> None:
    await clips.delete_clip(caller, clip_id)


@router.get("/{clip_id}/download", response_model=DownloadOut, responses={302: {"description": "To the link"}}, summary="Fetch a clip")
async def download_clip(
    clip_id: UUID,
    caller: WithPurpose,
    clips: ClipsDep,
    redirect: Annotated[bool, Query(description="false: the link itself, for pages, which cannot read where they are sent")] = True,
) -> Response:
    link = await clips.download_clip(caller, clip_id)
    url = link.url or f"{_PREFIX}/{clip_id}/file?ticket={link.ticket}"
    headers = {"cache-control": "no-store"}
    if redirect:
        return RedirectResponse(url, 302, headers=headers)
    return Response(DownloadOut(url=url, expires_at=link.expires_at).model_dump_json(), media_type="application/json", headers=headers)


@router.get(
    "/{clip_id}/file",
    openapi_extra={"x-access": "public"},
    response_class=StreamingResponse,
    summary="The MP4 itself, by the link that the download gave",
)
async def get_file(
    clip_id: UUID,
    clips: ClipsDep,
    ticket: Annotated[str, Query(max_length=2_048)] = "",
    range_: Annotated[str | None, Header(alias="range")] = None,
    if_range: Annotated[str | None, Header(alias="if-range")] = None,
) -> Response:
    clip = await clips.open_link(clip_id, ticket)
    size, tag = clip.size_bytes or 0, f'"{clip.sha256}"'
    wanted = _range(range_, size) if range_ and if_range in {None, tag} else None
    headers = {"accept-ranges": "bytes", "etag": tag, "cache-control": "private, no-store", "referrer-policy": "no-referrer"}
    if wanted is not None and wanted[0] >= wanted[1]:
        return Response(status_code=416, headers=headers | {"content-range": f"bytes */{size}"})
    start, end = wanted or (0, size)
    headers |= {"content-length": str(end - start), "content-disposition": content_disposition(clip.request.name)}
    if wanted is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    return StreamingResponse(clips.read(clip, start, end), 200 if wanted is None else 206, headers, media_type="video/mp4")


_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def _range(text: str, size: int) -> tuple[int, int] | None:
    """Returns the first byte and the one after the last; an empty range where none is in the file. None where it is not one range of
    bytes: then the whole file is sent, as RFC 9110 has it."""
    found = _ONE_RANGE.fullmatch(text.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size
