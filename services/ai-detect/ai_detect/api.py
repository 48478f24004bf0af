"""HTTP in: detect in a picture that somebody sends; how the provider is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from ai_detect.domain import MIN_PROBABILITY, ProviderState
from ai_detect.ports import Detector
from ai_detect.usecases import Batcher, inspect_picture
from chassis.auth import requires
from gtvision.camera import AiSettings
from gtvision.detection import DetectedObject
from gtvision.errors import Invalid, TooLarge
from gtvision.tenancy import Caller, Scope

router = APIRouter(prefix="/api/v1", tags=["ai-detect"])

_PICTURES = ("image/jpeg", "image/png")
_ALSO_SENT = "image/jpg"
"""No registered type, and what many programs call a JPEG."""
_NO_CAMERA = AiSettings(min_confidence=MIN_PROBABILITY)
"""A picture that is sent has no camera whose `min_confidence` could hold: all that is more likely an object than not is answered."""


class UnsupportedPicture(Invalid):
    """Send the picture itself as the body, with Content-Type image/jpeg or image/png."""

    code: ClassVar[str] = "unsupported_picture"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes need; made by `app`. `check` looks at a picture's header and gives its width and height in pixels."""

    batcher: Batcher
    detector: Detector
    check: Callable[[bytes], tuple[int, int]]
    max_bytes: int


async def desk_of(request: Request) -> Desk:
    """The desk that `app` made."""
    desk: Desk = request.app.state.desk
    return desk


DeskDep = Annotated[Desk, Depends(desk_of)]


class DetectOut(BaseModel):
    """What was found. Boxes are normalised 0..1 from the top left."""

    width_px: int
    height_px: int
    provider: str
    model: str
    objects: list[DetectedObject]


class ProviderOut(BaseModel):
    """How a provider is doing."""

    name: str
    model: str
    state: ProviderState
    pictures: int
    error: str | None


class ProvidersOut(BaseModel):
    """Every provider of this process."""

    items: list[ProviderOut]


@router.post(
    "/detect/frame",
    summary="Objects and plates in one picture (the body is the JPEG or PNG itself)",
    openapi_extra={
        "requestBody": {"required": True, "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _PICTURES}}
    },
)
async def detect_frame(request: Request, caller: Annotated[Caller, requires(Scope.DETECT_RUN)], desk: DeskDep) -> DetectOut:  # noqa: ARG001 - the scope
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in {*_PICTURES, _ALSO_SENT}:
        raise UnsupportedPicture
    data = await _body(request, desk.max_bytes)
    width, height = desk.check(data)
    objects = await inspect_picture(desk.batcher, data, _NO_CAMERA)
    health = desk.detector.health()
    return DetectOut(width_px=width, height_px=height, provider=health.name, model=health.model, objects=objects)


@router.get("/ai/providers", summary="Providers and how they are")
async def get_providers(caller: Annotated[Caller, requires(Scope.AI_READ)], desk: DeskDep) -> ProvidersOut:  # noqa: ARG001 - the scope
    health = desk.detector.health()
    item = ProviderOut(name=health.name, model=health.model, state=health.state, pictures=health.pictures, error=health.error)
    return ProvidersOut(items=[item])


async def _body(request: Request, max_bytes: int) -> bytes:
    """The body, never more than allowed: a sender may lie about its length, or not say."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > max_bytes:
            raise TooLarge(f"A picture may have {max_bytes} bytes.")
    return bytes(data)
