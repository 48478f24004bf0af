"""HTTP in: coming in, staying in, changing the password, going out."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from chassis.auth import requires
from chassis.documentation import PUBLIC
from chassis.http import StrictModel
from gtvision.tenancy import Caller, Role
from identity.api.wiring import Address, Code, Device, Email, LoginsDep, NoStore, PasswordsDep, Secret, SessionsDep, printable
from identity.people.domain.users import User
from identity.sessions.api import cookies
from identity.sessions.domain import Client
from identity.sessions.usecases.logins import Credentials
from identity.sessions.usecases.opening import Guest, Opened

router = APIRouter(prefix="/api/v1")


class LoginIn(StrictModel):
    """An address and a password; a code where the account has a second factor.

    `client` decides how long the session lasts without use and in all: api and browser 24 hours and 30 days, mobile 30 and 90 days.
    For a browser the refresh token is a cookie that scripts cannot read.
    """

    email: Email
    password: Secret
    code: Code | None = None
    client: Client = Client.API
    device: Annotated[str | None, Field(min_length=1, max_length=100), AfterValidator(printable)] = None
    """What the list of sessions calls it; else the User-Agent."""


class RefreshIn(StrictModel):
    """The refresh token of the last answer; a browser sends it as a cookie instead."""

    refresh_token: Secret | None = None


class PasswordIn(StrictModel):
    """The old one and the new one."""

    current_password: Secret
    new_password: Secret


class SessionUserOut(BaseModel):
    """The user of a fresh session."""

    id: UUID
    role: Role
    tenant_id: UUID
    email: str
    name: str | None


class SessionOut(BaseModel):
    """A session's tokens. While `must_change_password`, they open nothing but `POST /auth/password`."""

    access_token: str
    refresh_token: str | None
    csrf_token: str | None
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int
    session_id: UUID
    must_change_password: bool
    user: SessionUserOut

    @classmethod
    def of(cls, opened: Opened, response: Response) -> Self:
        """The body, and for a browser the cookies beside it."""
        user = opened.user
        assert isinstance(user, User)
        csrf = cookies.keep(response, opened) if opened.session.client is Client.BROWSER else None
        return cls(
            access_token=opened.access_token,
            refresh_token=None if csrf else opened.refresh_token,
            csrf_token=csrf,
            expires_in=opened.expires_in_s,
            session_id=opened.session.id,
            must_change_password=user.must_change_password,
            user=SessionUserOut(id=user.id, role=user.role, tenant_id=user.tenant_id, email=user.email, name=user.name),
        )


@router.post("/auth/login", openapi_extra=PUBLIC, dependencies=NoStore)
async def login(request: Request, response: Response, body: LoginIn, logins: LoginsDep, address: Address, device: Device) -> SessionOut:
    """Open a session. 401 `second_factor_required` asks for the same again with a code."""
    if body.client is Client.BROWSER:
        cookies.check_site(request)
    said = Credentials(body.email, body.password.get_secret_value(), body.code)
    return SessionOut.of(await logins.login(said, Guest(address, body.client, body.device or device)), response)


@router.post("/auth/refresh", openapi_extra=PUBLIC, dependencies=NoStore)
async def refresh(
    request: Request, response: Response, sessions: SessionsDep, address: Address, body: Annotated[RefreshIn | None, Body()] = None
) -> SessionOut:
    """The next tokens of a session. Each refresh token is good once; a second use ends the session. By cookie, X-CSRF-Token is needed."""
    given = body.refresh_token.get_secret_value() if body and body.refresh_token else cookies.refresh_token(request)
    return SessionOut.of(await sessions.refresh(given, address), response)


@router.post("/auth/logout", status_code=204)
async def logout(request: Request, response: Response, who: Annotated[Caller, requires()], sessions: SessionsDep) -> None:
    """End this session everywhere. With a browser's cookie, X-CSRF-Token is needed too."""
    if cookies.has_refresh_token(request):
        cookies.refresh_token(request)
    await sessions.logout(who)
    cookies.forget(response)


@router.post("/auth/password", dependencies=NoStore)
async def change_password(
    response: Response, body: PasswordIn, who: Annotated[Caller, requires()], passwords: PasswordsDep, address: Address
) -> SessionOut:
    """Change one's own password. Gives a fresh session and ends all others, this one too."""
    current, new = body.current_password.get_secret_value(), body.new_password.get_secret_value()
    return SessionOut.of(await passwords.change_password(who, current, new, address), response)
