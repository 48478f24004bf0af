"""HTTP in: signing in through outside providers, and the exchange of an outside credential for a short token (RFC 8693).

Browsers sign in by navigating, so every answer but the list is a redirect: to the provider, into the console, or to the console's login
page with the code of a refusal.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError
from starlette.responses import RedirectResponse

from chassis.documentation import PUBLIC
from chassis.http import NoStore, Provided, takes_any_parameter
from chassis.origin import origin
from gtvision.errors import GTVisionError, Invalid, NotFound, TooLarge
from identity.federation.domain import LOGIN_LIFETIME, TokenKind
from identity.federation.usecases import Federation, LoginCallback
from identity.keys.domain import encodable
from identity.sessions.api import keep_cookies
from identity.sessions.domain import Client, ClientInfo

router = APIRouter(prefix="/api/v1/auth")

FederationDep = Annotated[Federation, Provided(Federation)]

LOGIN_COOKIE = "__Secure-gtv_oidc"
LOGIN_PATH = "/api/v1/auth/oidc"

Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Short = Annotated[str | None, Query(max_length=500)]
Long = Annotated[str | None, Query(max_length=4_000)]
_REDIRECT = PUBLIC | {"responses": {"303": {"description": "To the provider, into the console, or to /?login_error=<code>"}}}


async def _callback(state: Short = None, code: Long = None, error: Short = None, iss: Long = None) -> LoginCallback:
    return LoginCallback(state or "", code, error, iss)


def _browser() -> ClientInfo:
    return ClientInfo(origin().address or "", Client.BROWSER, origin().user_agent)


CallbackDep = Annotated[LoginCallback, Depends(_callback)]


def _to(place: str) -> RedirectResponse:
    """Codes and states are in these addresses: no cache keeps them, and no Referer passes them on."""
    return RedirectResponse(place, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})


def _refused(refusal: GTVisionError) -> RedirectResponse:
    """Raises: NotFound, for a provider that no button leads to."""
    if isinstance(refusal, NotFound):
        raise refusal
    return _to(f"/?{urlencode({'login_error': refusal.code})}")


class ProviderOut(BaseModel):
    """One button of the login page."""

    name: str
    title: str
    start: str
    """Where it leads; `?return_to=/path` comes back there."""


class ProvidersOut(BaseModel):
    """In the operator's order."""

    providers: list[ProviderOut]


@router.get("/oidc", openapi_extra=PUBLIC)
async def list_providers(federation: FederationDep) -> ProvidersOut:
    """Where one may sign in besides here."""
    known = federation.providers()
    return ProvidersOut(
        providers=[ProviderOut(name=each.name, title=each.title, start=f"{LOGIN_PATH}/{each.name}/start") for each in known]
    )


@router.get("/oidc/{provider}/start", openapi_extra=_REDIRECT, status_code=303, response_class=RedirectResponse)
async def begin_login(request: Request, provider: Name, federation: FederationDep, return_to: Short = None) -> RedirectResponse:
    """Send the browser to the provider (authorization code, PKCE S256)."""
    try:
        redirect = await federation.begin_login(provider, return_to, request.cookies.get(LOGIN_COOKIE), _browser())
    except GTVisionError as refusal:
        return _refused(refusal)
    answer = _to(redirect.url)
    ends = int(LOGIN_LIFETIME.total_seconds())
    answer.set_cookie(LOGIN_COOKIE, redirect.cookie, max_age=ends, path=LOGIN_PATH, secure=True, httponly=True, samesite="lax")
    return answer


@router.get("/oidc/{provider}/callback", openapi_extra=_REDIRECT, status_code=303, response_class=RedirectResponse)
@takes_any_parameter  # a provider adds its own: `session_state`, `iss`
async def finish_login(request: Request, provider: Name, federation: FederationDep, callback: CallbackDep) -> RedirectResponse:
    """Where the provider sends the browser back to: opens a session of a browser."""
    try:
        issued, return_to = await federation.finish_login(provider, callback, request.cookies.get(LOGIN_COOKIE), _browser())
    except GTVisionError as refusal:
        return _refused(refusal)
    answer = _to(return_to)
    keep_cookies(answer, issued)
    return answer


# --- token exchange (RFC 8693) ----------------------------------------------------------------------------------------

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
    def presented(self) -> TokenKind:
        """What a provider's token is meant as."""
        return TokenKind.ID_TOKEN if self.subject_token_type == ID_TOKEN_TYPE else TokenKind.ACCESS_TOKEN


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
        raise Invalid(f"Needed are grant_type={TOKEN_EXCHANGE} and subject_token.") from None


_EXCHANGE_BODY = {
    "required": True,
    "content": {kind: {"schema": ExchangeIn.model_json_schema()} for kind in ("application/x-www-form-urlencoded", "application/json")},
}


@router.post("/token", openapi_extra=PUBLIC | {"requestBody": _EXCHANGE_BODY}, dependencies=NoStore)
async def exchange(body: Annotated[ExchangeIn, Depends(_exchange_in)], federation: FederationDep) -> ExchangeOut:
    """Exchange an API key, or the token of an outside provider, for a short token (RFC 8693)."""
    issued = await federation.exchange(body.subject_token.get_secret_value(), body.presented, origin().address or "")
    return ExchangeOut(access_token=issued.access_token, expires_in=issued.expires_in_s)
