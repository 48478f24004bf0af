"""HTTP in: the public keys."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from chassis.documentation import PUBLIC
from identity.api.wiring import PublicationDep

router = APIRouter(prefix="/api/v1")


class JwksOut(BaseModel):
    """RFC 7517."""

    keys: list[dict[str, str]]


@router.get("/.well-known/jwks.json", openapi_extra=PUBLIC)
async def public_keys(response: Response, publication: PublicationDep) -> JwksOut:
    """The keys that tokens are signed with."""
    response.headers["cache-control"] = "public, max-age=30"
    return JwksOut.model_validate(publication.jwks)
