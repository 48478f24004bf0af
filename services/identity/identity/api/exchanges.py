"""HTTP in: other doors' credentials for our short token (RFC 8693)."""

from __future__ import annotations

from typing import Annotated, Literal, NoReturn
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ValidationError

from chassis.documentation import PUBLIC
from gtvision.errors import Invalid, TooLarge
from identity.api.wiring import EXPIRES_IN_S, Address, ExchangesDep, NoStore, Secret

router = APIRouter(prefix="/api/v1")

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
_MAX_FORM_BYTES = 4_096


class ExchangeIn(BaseModel):
    """RFC 8693, as JSON or as a form. Parameters of the standard that we do not need are ignored."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:token-exchange"]
    subject_token: Secret


class ExchangeOut(BaseModel):
    """RFC 8693, 2.2.1."""

    access_token: str
    issued_token_type: str = ACCESS_TOKEN_TYPE
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int = EXPIRES_IN_S


async def _exchange_in(request: Request) -> ExchangeIn:
    """The standard says form, the rest of this API speaks JSON: both are read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise TooLarge
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            return ExchangeIn.model_validate_json(bytes(body))
        return ExchangeIn.model_validate(dict(parse_qsl(bytes(body).decode(), max_num_fields=20)))
    except (ValidationError, ValueError):
        _refuse_exchange()


def _refuse_exchange() -> NoReturn:
    raise Invalid(f"Needed are grant_type={TOKEN_EXCHANGE} and subject_token.")


_EXCHANGE_BODY = {
    "required": True,
    "content": {kind: {"schema": ExchangeIn.model_json_schema()} for kind in ("application/x-www-form-urlencoded", "application/json")},
}


@router.post("/auth/token", openapi_extra=PUBLIC | {"requestBody": _EXCHANGE_BODY}, dependencies=NoStore)
async def exchange(body: Annotated[ExchangeIn, Depends(_exchange_in)], exchanges: ExchangesDep, address: Address) -> ExchangeOut:
    """Exchange an API key for a short token (RFC 8693)."""
    opened = await exchanges.exchange(body.subject_token.get_secret_value(), address)
    return ExchangeOut(access_token=opened.access_token, expires_in=opened.expires_in_s)
