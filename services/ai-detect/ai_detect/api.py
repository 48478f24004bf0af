"""HTTP in: detect in a picture that is sent; how the provider is."""

from __future__ import annotations

from typing import Annotated, ClassVar

from fastapi import APIRouter, Request
from pydantic import BaseModel

from ai_detect.domain import ProviderState
from ai_detect.usecases import Pictures
from chassis.auth import requires
from chassis.http import Provided
from gtvision.detection import DetectedObject
from gtvision.errors import Invalid, TooLarge
from gtvision.tenancy import Caller, Scope

router = APIRouter(prefix="/api/v1", tags=["ai-detect"])

PicturesDep = Annotated[Pictures, Provided(Pictures)]

_TYPES = ("image/jpeg", "image/png")
_ALSO_SENT = "image/jpg"
"""No registered type, and what many programs call a JPEG."""


class UnsupportedPicture(Invalid):
    """Send the picture itself as the body, with Content-Type image/jpeg or image/png."""

    code: ClassVar[str] = "unsupported_picture"


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
        "requestBody": {"required": True, "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _TYPES}}
    },
)
async def detect_frame(request: Request, caller: Annotated[Caller, requires(Scope.DETECT_RUN)], pictures: PicturesDep) -> DetectOut:  # noqa: ARG001 - the scope
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in {*_TYPES, _ALSO_SENT}:
        raise UnsupportedPicture
    seen = await pictures.inspect(await _body(request, pictures.max_bytes))
    provider = seen.provider
    return DetectOut(width_px=seen.width_px, height_px=seen.height_px, provider=provider.name, model=provider.model, objects=seen.objects)


@router.get("/ai/providers", summary="Providers and how they are")
async def get_providers(caller: Annotated[Caller, requires(Scope.AI_READ)], pictures: PicturesDep) -> ProvidersOut:  # noqa: ARG001 - the scope
    health = pictures.detector.health()
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
