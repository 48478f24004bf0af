"""HTTP in: coming in, staying in, going out."""

from __future__ import annotations

from typing import Annotated, Literal, NoReturn, Self
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ValidationError

from chassis.auth import requires
from chassis.documentation import PUBLIC
from chassis.http import StrictModel
from gtvision.errors import Invalid, TooLarge
from gtvision.tenancy import Caller, Role
from identity.api.wiring import Address, DoorsDep, Email, NoStore, Secret, SessionsDep
from identity.domain.sessions import ACCESS_LIFETIME, TicketPurpose
from identity.domain.users import User
from identity.usecases.sessions import Opened

router = APIRouter(prefix="/api/v1")

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
_EXPIRES_IN_S = int(ACCESS_LIFETIME.total_seconds())
_MAX_FORM_BYTES = 4_096


class LoginIn(StrictModel):
    """An address and a password."""

    email: Email
    password: Secret


class RefreshIn(StrictModel):
    """The refresh token of the last answer."""

    refresh_token: Secret


class ExchangeIn(BaseModel):
    """RFC 8693, as JSON or as a form. Parameters of the standard that we do not need are ignored."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:token-exchange"]
    subject_token: Secret


class TicketIn(StrictModel):
    """What the ticket is for."""

    purpose: TicketPurpose
    camera_id: UUID | None = None


class SessionUserOut(BaseModel):
    """The user of a fresh session."""

    id: UUID
    role: Role
    tenant_id: UUID
    email: str


class SessionOut(BaseModel):
    """A session's tokens."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int = _EXPIRES_IN_S
    user: SessionUserOut

    @classmethod
    def of(cls, opened: Opened) -> Self:
        user = opened.user
        assert isinstance(user, User)
        assert opened.refresh_token is not None
        shown = SessionUserOut(id=user.id, role=user.role, tenant_id=user.tenant_id, email=user.email)
        return cls(access_token=opened.access_token, refresh_token=opened.refresh_token, user=shown)


class ExchangeOut(BaseModel):
    """RFC 8693, 2.2.1."""

    access_token: str
    issued_token_type: str = ACCESS_TOKEN_TYPE
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int = _EXPIRES_IN_S


class TicketOut(BaseModel):
    """One ticket opens one session, as `?ticket=`."""

    ticket: str
    expires_in: int = 60


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


@router.post("/auth/login", openapi_extra=PUBLIC, dependencies=NoStore)
async def login(body: LoginIn, sessions: SessionsDep, doors: DoorsDep, address: Address) -> SessionOut:
    """Open a session."""
    return SessionOut.of(await sessions.login(doors, body.email, body.password.get_secret_value(), address))


@router.post("/auth/refresh", openapi_extra=PUBLIC, dependencies=NoStore)
async def refresh(body: RefreshIn, sessions: SessionsDep, doors: DoorsDep) -> SessionOut:
    """The next tokens of a session. Each refresh token is good once; a second use ends the session."""
    return SessionOut.of(await sessions.refresh(body.refresh_token.get_secret_value(), doors.chance))


@router.post("/auth/token", openapi_extra=PUBLIC | {"requestBody": _EXCHANGE_BODY}, dependencies=NoStore)
async def exchange(
    body: Annotated[ExchangeIn, Depends(_exchange_in)], sessions: SessionsDep, doors: DoorsDep, address: Address
) -> ExchangeOut:
    """Exchange an API key for a short token (RFC 8693)."""
    opened = await sessions.exchange(doors.throttle, body.subject_token.get_secret_value(), address)
    return ExchangeOut(access_token=opened.access_token)


@router.post("/auth/logout", status_code=204)
async def logout(who: Annotated[Caller, requires()], sessions: SessionsDep) -> None:
    """End this session everywhere."""
    await sessions.logout(who)


@router.post("/auth/tickets", status_code=201, dependencies=NoStore)
async def issue_ticket(body: TicketIn, who: Annotated[Caller, requires()], sessions: SessionsDep) -> TicketOut:
    """A ticket for the live view of a camera (scope live:view) or for the WebSocket (a scope to read cameras, detections or alerts)."""
    return TicketOut(ticket=await sessions.issue_ticket(who, body.purpose, body.camera_id))
