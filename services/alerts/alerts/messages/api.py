"""HTTP in: the picture of an alert, for messages that cannot carry it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from alerts.messages.usecases import Messages
from chassis.http import Provided

router = APIRouter(prefix="/api/v1/channels", tags=["channels"])


@router.get("/picture", openapi_extra={"x-access": "public"}, response_class=Response, summary="The picture of a message's link")
async def get_picture(messages: Annotated[Messages, Provided(Messages)], ticket: Annotated[str, Query(max_length=2_048)] = "") -> Response:
    data, media_type = await messages.open_picture(ticket)
    headers = {"cache-control": "private, max-age=300", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
    return Response(data, media_type=media_type, headers=headers)
