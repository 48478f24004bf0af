"""HTTP in: the media server's auth hook, on the private port."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, Field

from chassis.http import Provided
from gtvision.errors import GTVisionError, Unauthenticated, Unavailable
from streaming import metrics
from streaming.live.domain import AccessRequest
from streaming.live.usecases import Authorizer

hooks = APIRouter(prefix="/internal/media", tags=["internal"])

AuthorizerDep = Annotated[Authorizer, Provided(Authorizer)]


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
    user_agent: str = Field("", validation_alias="userAgent")


@hooks.post("/auth", summary="The media server's auth hook", status_code=status.HTTP_204_NO_CONTENT)
async def authorise(body: HookIn, authorizer: AuthorizerDep) -> Response:
    with metrics.admission_seconds.time():
        try:
            await authorizer.admit(_access_request(body))
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
        user_agent=body.user_agent,
    )


def _hook_status(refused: GTVisionError) -> int:
    if isinstance(refused, Unavailable):
        return status.HTTP_503_SERVICE_UNAVAILABLE
    return status.HTTP_401_UNAUTHORIZED if isinstance(refused, Unauthenticated) else status.HTTP_403_FORBIDDEN
