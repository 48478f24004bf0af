"""HTTP in: cameras and their states. No answer carries a credential."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from cameras.cameras.domain import Camera, CameraSettings, ListedCamera, Wanted
from cameras.cameras.usecases.cameras import Cameras
from cameras.history.domain import HistoryQuery
from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.camera import AiSettings, CameraState, RecordingSettings
from gtvision.camera_urls import MAX_URL
from gtvision.errors import Invalid
from gtvision.events import StreamCause
from gtvision.geometry import Point
from gtvision.names import clean_name
from gtvision.patch import Patch
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant

router = APIRouter(prefix="/api/v1/cameras")

Reader = Annotated[Caller, requires(Scope.CAMERAS_READ)]
Writer = Annotated[Caller, requires(Scope.CAMERAS_WRITE)]


Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(clean_name)]
ExternalId = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(clean_name)]
Url = Annotated[SecretStr, Field(min_length=1, max_length=MAX_URL, description="rtsp://[user:password@]host[:port]/path")]
Groups = Annotated[frozenset[UUID], Field(max_length=50)]
Masks = tuple[tuple[Point, ...], ...]


def _modest(masks: Masks) -> Masks:
    if len(masks) > 20 or any(not 3 <= len(mask) <= 50 for mask in masks):
        raise ValueError("at most 20 masks of 3 to 50 corners")
    return masks


class RecordingIn(RecordingSettings):
    """As in the events, but strict."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AiIn(AiSettings):
    """As in the events, but strict."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    masks: Annotated[Masks, AfterValidator(_modest)] = ()


def _recording(given: RecordingIn) -> RecordingSettings:
    return RecordingSettings.model_validate(given.model_dump())


def _ai(given: AiIn) -> AiSettings:
    return AiSettings.model_validate(given.model_dump())


Recording = Annotated[RecordingIn, AfterValidator(_recording)]
Ai = Annotated[AiIn, AfterValidator(_ai)]


class CameraIn(StrictModel):
    """A new camera."""

    name: Name
    url: Url
    external_id: ExternalId | None = None
    groups: Groups = frozenset()
    recording: Recording = Field(RecordingIn(), validate_default=True)
    ai: Ai = Field(AiIn(), validate_default=True)
    enabled: bool = True

    def settings(self) -> CameraSettings:
        return CameraSettings(self.name, self.external_id, self.groups, self.enabled, self.recording, self.ai)


class CameraPatch(StrictModel):
    """What to change. What is left out stays."""

    name: Name | None = None
    url: Url | None = None
    external_id: ExternalId | None = None
    groups: Groups | None = None
    recording: Recording | None = None
    ai: Ai | None = None
    enabled: bool | None = None

    def patch(self) -> Patch:
        """Returns everything but the address. Raises: Invalid, where something is null that cannot be."""
        if any(getattr(self, name) is None for name in self.model_fields_set - {"external_id"}):
            raise Invalid("Only external_id can be null.")
        return Patch.of(self, "url")


class CameraOut(BaseModel):
    """A camera. `url` is without credentials; `revision` is its ETag."""

    id: UUID
    name: str
    url: str
    external_id: str | None
    groups: list[UUID]
    enabled: bool
    recording: RecordingSettings
    ai: AiSettings
    state: CameraState
    since: datetime | None
    cause: StreamCause | None
    revision: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, camera: Camera) -> Self:
        settings, seen = camera.settings, camera.shown_sighting()
        return cls(
            id=camera.id,
            name=settings.name,
            url=camera.url_shown,
            external_id=settings.external_id,
            groups=sorted(settings.groups),
            enabled=settings.enabled,
            recording=settings.recording,
            ai=settings.ai,
            state=seen.state,
            since=seen.since,
            cause=seen.cause,
            revision=camera.revision,
            created_at=camera.created_at,
            updated_at=camera.updated_at,
        )


def _sought(text: str) -> str:
    return clean_name(text) if text.strip() else ""


class CameraQuery(BaseModel):
    """Which cameras are listed."""

    q: Annotated[str, Field(max_length=120), AfterValidator(_sought)] = Field(
        "", description="A part of the name or of the external id, whatever its case and accents"
    )
    state: list[CameraState] = Field([], max_length=10, description="One of these states; may be repeated")
    group: UUID | None = None
    enabled: bool | None = None
    external_id: ExternalId | None = None
    cursor: str | None = Field(None, max_length=1_000, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=500)

    def after(self) -> UUID | None:
        """Raises: InvalidCursor."""
        return decode_cursor(self.cursor, id=UUID)["id"] if self.cursor else None

    def wanted(self) -> Wanted:
        return Wanted(self.q or None, frozenset(self.state) or None, self.group, self.enabled, self.external_id)


class Listed(msgspec.Struct):
    """`CameraOut` in a page, field by field the same: fifty of them as models cost more than reading them from PostgreSQL."""

    id: UUID
    name: str
    url: str
    external_id: str | None
    groups: list[UUID]
    enabled: bool
    recording: msgspec.Raw
    ai: msgspec.Raw
    state: CameraState
    since: datetime | None
    cause: StreamCause | None
    revision: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, camera: ListedCamera) -> Self:
        id_, name, url, external_id, groups, enabled, recording_json, ai_json, _, _, _, revision, created, updated = camera
        state, since, cause = camera.shown()
        recording, ai = msgspec.Raw(recording_json), msgspec.Raw(ai_json)
        return cls(id_, name, url, external_id, groups, enabled, recording, ai, state, since, cause, revision, created, updated)


class ListedPage(msgspec.Struct):
    """`Page[CameraOut]`."""

    items: list[Listed]
    next: str | None


_encode = msgspec.json.Encoder().encode


class FleetOut(BaseModel):
    """How the cameras fare that the caller may see."""

    model_config = ConfigDict(from_attributes=True)

    total: int
    online: int
    degraded: int
    offline: int
    unknown: int
    disabled: int


class ChangeOut(BaseModel):
    """Since `at` the camera was in this state, for this cause, until the change after it."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    state: CameraState
    cause: StreamCause | None


class HistoryParameters(BaseModel):
    """Which part of a camera's history."""

    start: Instant | None = Field(None, alias="from", description="At or after")
    end: Instant | None = Field(None, alias="to", description="Before")
    cursor: str | None = Field(None, max_length=1_000, description="`next` of the page before")
    limit: int = Field(100, ge=1, le=500)

    def query(self) -> HistoryQuery:
        """Returns it with one change more than asked for, which tells whether there is a next page. Raises: InvalidCursor."""
        before = decode_cursor(self.cursor, at=datetime)["at"] if self.cursor else None
        return HistoryQuery(self.start, self.end, before, self.limit + 1)


async def _expected_revision(if_match: Annotated[str | None, Header(max_length=100)] = None) -> int | None:
    """From `If-Match: "<revision>"`; absent or `*` expects nothing."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit()):
        raise Invalid('If-Match holds one ETag of ours, such as "3".')
    return int(text)


CamerasDep = Annotated[Cameras, Provided(Cameras)]
Expected = Annotated[int | None, Depends(_expected_revision)]


def _answer(camera: Camera, response: Response) -> CameraOut:
    response.headers["etag"] = f'"{camera.revision}"'
    return CameraOut.of(camera)


@router.post("", status_code=201, responses={200: {"model": CameraOut, "description": "It was registered before, exactly so"}})
async def register_camera(body: CameraIn, caller: Writer, cameras: CamerasDep, once: Idempotent, response: Response) -> CameraOut:
    """Add a camera. The same external id with the same settings is the same camera, so that a repeat is harmless."""
    camera, is_new = await cameras.register_camera(caller, body.settings(), body.url.get_secret_value(), once)
    tell_replayed(once, response)
    if not is_new:
        response.status_code = 200
    response.headers["location"] = f"/api/v1/cameras/{camera.id}"
    return _answer(camera, response)


@router.get("", response_model=Page[CameraOut])
async def list_cameras(caller: Reader, cameras: CamerasDep, query: Annotated[CameraQuery, Query()]) -> Response:
    """The cameras that the caller may see and that fulfil every parameter, oldest first."""
    limit = query.limit
    found = await cameras.list_cameras(caller, query.after(), limit + 1, query.wanted())
    following = encode_cursor(id=found[limit - 1].id) if len(found) > limit else None
    page = ListedPage([Listed.of(camera) for camera in found[:limit]], following)
    return Response(_encode(page), media_type="application/json")


@router.get("/health")
async def fleet_health(caller: Reader, cameras: CamerasDep) -> FleetOut:
    """How the cameras fare."""
    return FleetOut.model_validate(await cameras.fleet_health(caller))


@router.get("/{camera_id}")
async def get_camera(camera_id: UUID, caller: Reader, cameras: CamerasDep, response: Response) -> CameraOut:
    """One camera."""
    return _answer(await cameras.get_camera(caller, camera_id), response)


@router.get("/{camera_id}/history")
async def list_history(
    camera_id: UUID, caller: Reader, cameras: CamerasDep, query: Annotated[HistoryParameters, Query()]
) -> Page[ChangeOut]:
    """The states that a camera was in, newest first; those of the last 90 days are kept."""
    limit = query.limit
    found = await cameras.list_history(caller, camera_id, query.query())
    following = encode_cursor(at=found[limit - 1].at) if len(found) > limit else None
    return Page(items=[ChangeOut.model_validate(change) for change in found[:limit]], next=following)


@router.patch("/{camera_id}")
async def update_camera(
    camera_id: UUID, body: CameraPatch, caller: Writer, cameras: CamerasDep, expected: Expected, response: Response
) -> CameraOut:
    """Change a camera. An address sent back as it was shown keeps its credentials."""
    url = body.url.get_secret_value() if body.url is not None else None
    camera = await cameras.update_camera(caller, camera_id, body.patch(), url_text=url, expected_revision=expected)
    return _answer(camera, response)


@router.delete("/{camera_id}", status_code=204)
async def remove_camera(camera_id: UUID, caller: Writer, cameras: CamerasDep, expected: Expected) -> None:
    """Remove a camera. Its recordings stay until their space is needed."""
    await cameras.remove_camera(caller, camera_id, expected_revision=expected)
