"""HTTP in: coming in, staying in, going out; users; public keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NoReturn, Self
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError

from chassis.auth import requires
from chassis.documentation import PUBLIC
from chassis.http import Page, StrictModel, decode_cursor, encode_cursor
from gtvision.errors import Invalid, TooLarge
from gtvision.tenancy import Caller, Role, Scope
from identity.domain.accounts import ACCESS_LIFETIME, EMAIL_MAX, ApiKey, Tenant, TicketPurpose, User
from identity.usecases.installation import Publication
from identity.usecases.sessions import Doors, Opened, Sessions
from identity.usecases.users import NewUser, Users

router = APIRouter(prefix="/api/v1")

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
_EXPIRES_IN_S = int(ACCESS_LIFETIME.total_seconds())
_MAX_FORM_BYTES = 4_096

Email = Annotated[str, Field(min_length=3, max_length=EMAIL_MAX)]


def _encodable(secret: SecretStr) -> SecretStr:
    """JSON can spell half of a surrogate pair, which no encoding and so no hash knows."""
    try:
        secret.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("is no valid Unicode") from None
    return secret


Secret = Annotated[SecretStr, Field(min_length=1, max_length=1_024), AfterValidator(_encodable)]


# --- what comes in and goes out ----------------------------------------------------------------------------------------


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


class UserIn(StrictModel):
    """A new user."""

    email: Email
    password: Secret
    role: Role
    camera_groups: Annotated[list[UUID] | None, Field(max_length=1_000)] = None


class UserPatch(StrictModel):
    """What can be changed."""

    disabled: bool


class UserOut(BaseModel):
    """A user."""

    id: UUID
    tenant_id: UUID
    email: str
    role: Role
    camera_groups: list[UUID] | None
    disabled: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            id=user.id,
            tenant_id=user.tenant_id,
            email=user.email,
            role=user.role,
            camera_groups=None if user.camera_groups is None else sorted(user.camera_groups),
            disabled=user.is_disabled,
            created_at=user.created_at,
        )


class MeOut(BaseModel):
    """Who the token speaks for: a person has an address, a program a name."""

    id: UUID
    kind: Literal["user", "api_key"]
    email: str | None
    name: str
    role: Role
    scopes: list[str]
    tenant_id: UUID
    tenant: str

    @classmethod
    def of(cls, who: Caller, subject: User | ApiKey, tenant: Tenant) -> Self:
        person = isinstance(subject, User)
        return cls(
            id=subject.id,
            kind="user" if person else "api_key",
            email=subject.email if isinstance(subject, User) else None,
            name=subject.email if isinstance(subject, User) else subject.name,
            role=subject.role,
            scopes=sorted(who.scopes),
            tenant_id=tenant.id,
            tenant=tenant.name,
        )


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


class JwksOut(BaseModel):
    """RFC 7517."""

    keys: list[dict[str, str]]


# --- what app.py built -------------------------------------------------------------------------------------------------


def _sessions(request: Request) -> Sessions:
    return request.app.state.sessions  # type: ignore[no-any-return]


def _users(request: Request) -> Users:
    return request.app.state.users  # type: ignore[no-any-return]


def _doors(request: Request) -> Doors:
    return request.app.state.doors  # type: ignore[no-any-return]


def _publication(request: Request) -> Publication:
    return request.app.state.publication  # type: ignore[no-any-return]


def _address(request: Request) -> str:
    """The client's, as the edge tells it: the shell believes X-Forwarded-For from loopback only."""
    return request.client.host if request.client else ""


def _not_stored(response: Response) -> None:
    response.headers["cache-control"] = "no-store"


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


SessionsDep = Annotated[Sessions, Depends(_sessions)]
UsersDep = Annotated[Users, Depends(_users)]
DoorsDep = Annotated[Doors, Depends(_doors)]
Address = Annotated[str, Depends(_address)]
NoStore = [Depends(_not_stored)]
_EXCHANGE_BODY = {
    "required": True,
    "content": {kind: {"schema": ExchangeIn.model_json_schema()} for kind in ("application/x-www-form-urlencoded", "application/json")},
}


# --- sessions ----------------------------------------------------------------------------------------------------------


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


@router.get("/.well-known/jwks.json", openapi_extra=PUBLIC)
async def public_keys(response: Response, publication: Annotated[Publication, Depends(_publication)]) -> JwksOut:
    """The keys that tokens are signed with."""
    response.headers["cache-control"] = "public, max-age=60"
    return JwksOut.model_validate(publication.jwks)


# --- users -------------------------------------------------------------------------------------------------------------


@router.get("/users/me")
async def who_am_i(who: Annotated[Caller, requires()], users: UsersDep) -> MeOut:
    """Who this token speaks for."""
    subject, tenant = await users.who_am_i(who)
    return MeOut.of(who, subject, tenant)


@router.get("/users")
async def list_users(
    who: Annotated[Caller, requires(Scope.USERS_READ)],
    users: UsersDep,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[UserOut]:
    """The users of the tenant, oldest first."""
    after = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    found = await users.list_users(who, after, limit + 1)
    following = encode_cursor(id=found[limit - 1].id) if len(found) > limit else None
    return Page(items=[UserOut.of(user) for user in found[:limit]], next=following)


@router.post("/users", status_code=201)
async def create_user(body: UserIn, who: Annotated[Caller, requires(Scope.USERS_WRITE)], users: UsersDep) -> UserOut:
    """Add a user."""
    groups = None if body.camera_groups is None else frozenset(body.camera_groups)
    return UserOut.of(await users.create_user(who, NewUser(body.email, body.password.get_secret_value(), body.role, groups)))


@router.patch("/users/{user_id}")
async def set_user_disabled(
    user_id: UUID, body: UserPatch, who: Annotated[Caller, requires(Scope.USERS_WRITE)], users: UsersDep
) -> UserOut:
    """Disable a user, which ends all their sessions; or let them in again."""
    return UserOut.of(await users.set_user_disabled(who, user_id, body.disabled))
