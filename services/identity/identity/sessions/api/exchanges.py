"""HTTP in: other doors' credentials for our short token (RFC 8693)."""

from __future__ import annotations

from typing import Annotated, Literal, NoReturn
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError

from chassis.documentation import PUBLIC
from gtvision.errors import Invalid, TooLarge
from identity.api.wiring import Address, ExchangesDep, FederationDep, NoStore, encodable
from identity.federation.domain.claims import claimed_issuer
from identity.federation.domain.federation import Presented

router = APIRouter(prefix="/api/v1")

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
_MAX_FORM_BYTES = 16_384
"""A provider's token names roles and groups, and is encoded twice in a form."""

SubjectToken = Annotated[SecretStr, Field(min_length=1, max_length=12_000), AfterValidator(encodable)]


class ExchangeIn(BaseModel):
    """RFC 8693, as JSON or as a form. Parameters of the standard that we do not need are ignored."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:token-exchange"]
    subject_token: SubjectToken
    """An API key, or an access or ID token of an outside provider that this installation knows."""
    subject_token_type: Annotated[str | None, Field(max_length=100)] = None
    """Of a provider's token: ...:token-type:access_token, jwt or id_token. An API key needs none."""

    @property
    def presented(self) -> Presented:
        """What a provider's token is meant as."""
        return Presented.ID_TOKEN if self.subject_token_type == ID_TOKEN_TYPE else Presented.ACCESS_TOKEN


class ExchangeOut(BaseModel):
    """RFC 8693, 2.2.1."""

    access_token: str
    issued_token_type: str = ACCESS_TOKEN_TYPE
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int


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
async def exchange(
    body: Annotated[ExchangeIn, Depends(_exchange_in)], exchanges: ExchangesDep, federation: FederationDep, address: Address
) -> ExchangeOut:
    """Exchange an API key, or the token of an outside provider, for a short token (RFC 8693)."""
    token = body.subject_token.get_secret_value()
    if claimed_issuer(token) is None:
        opened = await exchanges.exchange(token, address)
    else:
        opened = await federation.exchange(token, body.presented, address)
    return ExchangeOut(access_token=opened.access_token, expires_in=opened.expires_in_s)
