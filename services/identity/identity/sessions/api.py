"""HTTP in: logins, refreshes, one's own password, the list of sessions, their ends, and tickets.

A browser's refresh token is a cookie that no script can read; a second cookie proves that a page of ours asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from chassis.auth import requires
from chassis.documentation import PUBLIC
from chassis.http import NoStore, Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.origin import origin
from gtvision.errors import BadCredentials
from gtvision.names import clean_name
from gtvision.tenancy import Caller, Role, Scope
from identity.cities.domain import Tenant
from identity.keys.domain import ApiKey, Secret
from identity.people.domain.users import Email, User
from identity.second_factors.domain import Code
from identity.sessions.domain import Client, ClientInfo, CsrfFailed, IssuedTokens, Session, TicketPurpose, check_csrf, csrf_token
from identity.sessions.usecases.logins import Logins, PasswordLogin
from identity.sessions.usecases.sessions import Sessions

router = APIRouter(prefix="/api/v1")


@dataclass(frozen=True, slots=True)
class PublicSite:
    """Where browsers see the console: the setting PUBLIC_URL, empty where the operator leaves it out."""

    url: str


PublicSiteDep = Annotated[PublicSite, Provided(PublicSite)]
LoginsDep = Annotated[Logins, Provided(Logins)]
SessionsDep = Annotated[Sessions, Provided(Sessions)]
AnyCaller = Annotated[Caller, requires()]

REFRESH_COOKIE = "__Secure-gtv_refresh"
CSRF_COOKIE = "__Secure-gtv_csrf"
REFRESH_PATH = "/api/v1/auth"
"""The browser sends the refresh token nowhere else."""


def keep_cookies(response: Response, issued: IssuedTokens) -> str:
    """Sets both cookies for as long as the token is good. Returns the CSRF token."""
    assert issued.refresh_token is not None
    csrf, ends = csrf_token(issued.refresh_token), issued.refresh_expires_at
    response.set_cookie(
        REFRESH_COOKIE, issued.refresh_token, expires=ends, path=REFRESH_PATH, secure=True, httponly=True, samesite="strict"
    )
    response.set_cookie(CSRF_COOKIE, csrf, expires=ends, path="/", secure=True, httponly=False, samesite="strict")
    return csrf


def forget_cookies(response: Response) -> None:
    """Deletes both cookies."""
    response.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH, secure=True, httponly=True, samesite="strict")
    response.delete_cookie(CSRF_COOKIE, path="/", secure=True, samesite="strict")


def cookie_refresh_token(request: Request, site: PublicSite) -> str:
    """Returns the refresh token of the cookie, once a page of ours has proved that it asks. Raises: BadCredentials, CsrfFailed."""
    token = request.cookies.get(REFRESH_COOKIE)
    if not token:
        raise BadCredentials("A refresh token is needed.")
    check_site(request, site)
    check_csrf(token, request.headers.get("x-csrf-token", ""))
    return token


def check_site(request: Request, site: PublicSite) -> None:
    """Refuses what a page of another origin sends. Programs send neither header; a browser sends both or, without TLS, `Origin` alone.

    The edge tells the name that it was asked for in X-Forwarded-Host. A proxy in front of the edge may have changed that name: then the
    page is at PUBLIC_URL. Ports differ on the way and are not compared.
    Raises: CsrfFailed.
    """
    headers = request.headers
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise CsrfFailed
    origin = headers.get("origin")
    if origin is None:
        return
    asked = headers.get("x-forwarded-host", headers.get("host", "")).partition(",")[0].strip()
    if _host(origin) is None or _host(origin) not in {_host(f"//{asked}"), _host(site.url)}:
        raise CsrfFailed


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


# --- logins -----------------------------------------------------------------------------------------------------------


class LoginIn(StrictModel):
    """An address and a password; a code where the account has a second factor.

    `client` decides how long the session lasts without use and in all: api and browser 24 hours and 30 days, mobile 30 and 90 days.
    For a browser the refresh token is a cookie that scripts cannot read.
    """

    email: Email
    password: Secret
    code: Code | None = None
    client: Client = Client.API
    device: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(clean_name)] | None = None
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
    def of(cls, issued: IssuedTokens, response: Response) -> Self:
        """The body, and for a browser the cookies beside it."""
        user = issued.user
        assert isinstance(user, User)
        csrf = keep_cookies(response, issued) if issued.session.client is Client.BROWSER else None
        return cls(
            access_token=issued.access_token,
            refresh_token=None if csrf else issued.refresh_token,
            csrf_token=csrf,
            expires_in=issued.expires_in_s,
            session_id=issued.session.id,
            must_change_password=user.must_change_password,
            user=SessionUserOut(id=user.id, role=user.role, tenant_id=user.tenant_id, email=user.email, name=user.name),
        )


@router.post("/auth/login", openapi_extra=PUBLIC, dependencies=NoStore)
async def login(request: Request, response: Response, body: LoginIn, logins: LoginsDep, site: PublicSiteDep) -> SessionOut:
    """Open a session. 401 `second_factor_required` asks for the same again with a code."""
    if body.client is Client.BROWSER:
        check_site(request, site)
    login = PasswordLogin(body.email, body.password.get_secret_value(), body.code)
    client = ClientInfo(origin().address or "", body.client, body.device or origin().user_agent)
    return SessionOut.of(await logins.login(login, client), response)


@router.post("/auth/refresh", openapi_extra=PUBLIC, dependencies=NoStore)
async def refresh(
    request: Request, response: Response, sessions: SessionsDep, site: PublicSiteDep, body: Annotated[RefreshIn | None, Body()] = None
) -> SessionOut:
    """The next tokens of a session. Each refresh token is good once; a second use ends the session. By cookie, X-CSRF-Token is needed."""
    given = body.refresh_token.get_secret_value() if body and body.refresh_token else cookie_refresh_token(request, site)
    return SessionOut.of(await sessions.refresh(given, origin().address or ""), response)


@router.post("/auth/logout", status_code=204)
async def logout(request: Request, response: Response, caller: AnyCaller, sessions: SessionsDep, site: PublicSiteDep) -> None:
    """End this session everywhere. With a browser's cookie, X-CSRF-Token is needed too."""
    if REFRESH_COOKIE in request.cookies:
        cookie_refresh_token(request, site)
    await sessions.logout(caller)
    forget_cookies(response)


@router.post("/auth/password", dependencies=NoStore)
async def change_password(response: Response, body: PasswordIn, caller: AnyCaller, logins: LoginsDep) -> SessionOut:
    """Change one's own password. Gives a fresh session and ends all others, this one too."""
    current, new = body.current_password.get_secret_value(), body.new_password.get_secret_value()
    return SessionOut.of(await logins.change_password(caller, current, new, origin().address or ""), response)


class MeOut(BaseModel):
    """The bearer of the token: a user has an address, a program a name."""

    id: UUID
    kind: Literal["user", "api_key"]
    email: str | None
    name: str
    role: Role
    scopes: list[str]
    tenant_id: UUID
    tenant: str
    display_name: str | None
    """What the city calls itself on the screen."""
    timezone: str
    has_logo: bool
    """Whether `GET /tenants/{tenant_id}/logo` has a picture."""
    camera_groups: list[UUID] | None
    """Null: every camera."""
    must_change_password: bool
    second_factor: bool
    purposes: list[str]
    """Codes that the city's `X-Purpose` may hold; empty: any code."""
    purpose_required: bool
    """Whether searches for plates, evidence and recordings are refused without one."""

    @classmethod
    def of(cls, caller: Caller, subject: User | ApiKey, tenant: Tenant) -> Self:
        person = isinstance(subject, User)
        return cls(
            id=subject.id,
            kind="user" if person else "api_key",
            email=subject.email if isinstance(subject, User) else None,
            name=subject.name or subject.email if isinstance(subject, User) else subject.name,
            role=subject.role,
            scopes=sorted(caller.scopes),
            tenant_id=tenant.id,
            tenant=tenant.name,
            display_name=tenant.settings.display_name,
            timezone=tenant.settings.timezone,
            has_logo=tenant.settings.logo_key is not None,
            camera_groups=None if subject.camera_groups is None else sorted(subject.camera_groups),
            must_change_password=isinstance(subject, User) and subject.must_change_password,
            second_factor=isinstance(subject, User) and subject.asks_for_a_code,
            purposes=list(tenant.settings.purposes.codes),
            purpose_required=tenant.settings.purposes.required,
        )


@router.get("/users/me")
async def who_am_i(caller: AnyCaller, sessions: SessionsDep) -> MeOut:
    """The bearer of this token, and the purposes that their city wants declared."""
    subject, tenant = await sessions.who_am_i(caller)
    return MeOut.of(caller, subject, tenant)


# --- sessions and tickets ---------------------------------------------------------------------------------------------


class SessionItemOut(BaseModel):
    """A session that is alive."""

    id: UUID
    user_id: UUID
    client: Client
    device: str | None
    address: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool
    """Whether it is the session of this request."""

    @classmethod
    def of(cls, session: Session, caller: Caller) -> Self:
        return cls(
            id=session.id,
            user_id=session.subject_id,
            client=session.client,
            device=session.device,
            address=session.address,
            created_at=session.created_at,
            last_used_at=session.last_used_at or session.created_at,
            expires_at=session.expires_at,
            current=session.id == caller.session_id,
        )


def _of_whom(caller: Caller, user_id: UUID | None, scope: Scope) -> UUID:
    """One's own need no scope. Raises: MissingScope."""
    if user_id is not None and user_id != caller.user_id:
        caller.require(scope)
    return user_id or caller.user_id


@router.get("/sessions")
async def list_sessions(
    caller: AnyCaller,
    sessions: SessionsDep,
    user_id: UUID | None = None,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[SessionItemOut]:
    """Where the caller is signed in, newest first; another user's with the scope users:read."""
    after = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    found = await sessions.list_sessions(caller, _of_whom(caller, user_id, Scope.USERS_READ), after, limit + 1)
    following = encode_cursor(id=found[limit - 1].id) if len(found) > limit else None
    return Page(items=[SessionItemOut.of(each, caller) for each in found[:limit]], next=following)


@router.delete("/sessions/{session_id}", status_code=204)
async def end_session(session_id: UUID, caller: AnyCaller, sessions: SessionsDep) -> None:
    """End one of the caller's sessions; another user's with the scope users:write."""
    await sessions.end_session(caller, session_id, others=Scope.USERS_WRITE in caller.scopes)


@router.delete("/sessions", status_code=204)
async def end_sessions(caller: AnyCaller, sessions: SessionsDep, user_id: UUID | None = None) -> None:
    """End all of the caller's sessions but this one; with `user_id` and the scope users:write, all of that user."""
    await sessions.end_sessions(caller, _of_whom(caller, user_id, Scope.USERS_WRITE))


class TicketIn(StrictModel):
    """What the ticket is for."""

    purpose: TicketPurpose
    camera_id: UUID | None = None


class TicketOut(BaseModel):
    """One ticket opens one session, as `?ticket=`."""

    ticket: str
    expires_in: int = 60


@router.post("/auth/tickets", status_code=201, dependencies=NoStore)
async def issue_ticket(body: TicketIn, caller: AnyCaller, sessions: SessionsDep) -> TicketOut:
    """A ticket for the live view of a camera (scope live:view) or for the WebSocket (a scope to read cameras, detections or alerts)."""
    return TicketOut(ticket=await sessions.issue_ticket(caller, body.purpose, body.camera_id, origin().purpose))
