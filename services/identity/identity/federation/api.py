"""HTTP in: signing in through outside providers. Browsers come here by a click and by the provider's redirect, so every answer but the
list is a redirect too: to the provider, into the console, or to the console's login page with a code of what went wrong.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse

from chassis.documentation import PUBLIC
from chassis.http import takes_any_parameter
from gtvision.errors import GTVisionError, NotFound
from identity.api.wiring import Address, Device, FederationDep
from identity.federation.domain.federation import LOGIN_LIFETIME
from identity.federation.usecases.federation import Returned
from identity.sessions.api import cookies
from identity.sessions.domain import Client
from identity.sessions.usecases.opening import Guest

router = APIRouter(prefix="/api/v1/auth/oidc")

LOGIN_COOKIE = "__Secure-gtv_oidc"
LOGIN_PATH = "/api/v1/auth/oidc"

Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Short = Annotated[str | None, Query(max_length=500)]
Long = Annotated[str | None, Query(max_length=4_000)]
_REDIRECT = PUBLIC | {"responses": {"303": {"description": "To the provider, into the console, or to /?login_error=<code>"}}}


async def _guest(address: Address, device: Device) -> Guest:
    return Guest(address, Client.BROWSER, device)


async def _returned(state: Short = None, code: Long = None, error: Short = None, iss: Long = None) -> Returned:
    return Returned(state or "", code, error, iss)


GuestDep = Annotated[Guest, Depends(_guest)]
ReturnedDep = Annotated[Returned, Depends(_returned)]


def _to(place: str) -> RedirectResponse:
    """Codes and states are in these addresses: nothing keeps them, and no Referer carries them on."""
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


@router.get("", openapi_extra=PUBLIC)
async def list_providers(federation: FederationDep) -> ProvidersOut:
    """Where one may sign in besides here."""
    known = federation.providers()
    return ProvidersOut(
        providers=[ProviderOut(name=each.name, title=each.title, start=f"{LOGIN_PATH}/{each.name}/start") for each in known]
    )


@router.get("/{provider}/start", openapi_extra=_REDIRECT, status_code=303, response_class=RedirectResponse)
async def begin_login(
    request: Request, provider: Name, federation: FederationDep, guest: GuestDep, return_to: Short = None
) -> RedirectResponse:
    """Send the browser to the provider (authorization code, PKCE S256)."""
    try:
        begun = await federation.begin_login(provider, return_to, request.cookies.get(LOGIN_COOKIE), guest)
    except GTVisionError as refusal:
        return _refused(refusal)
    answer = _to(begun.url)
    ends = int(LOGIN_LIFETIME.total_seconds())
    answer.set_cookie(LOGIN_COOKIE, begun.cookie, max_age=ends, path=LOGIN_PATH, secure=True, httponly=True, samesite="lax")
    return answer


@router.get("/{provider}/callback", openapi_extra=_REDIRECT, status_code=303, response_class=RedirectResponse)
@takes_any_parameter  # a provider adds its own: `session_state`, `iss`
async def finish_login(
    request: Request, provider: Name, federation: FederationDep, guest: GuestDep, returned: ReturnedDep
) -> RedirectResponse:
    """Where the provider sends the browser back to: opens a session of a browser."""
    try:
        opened, return_to = await federation.finish_login(provider, returned, request.cookies.get(LOGIN_COOKIE), guest)
    except GTVisionError as refusal:
        return _refused(refusal)
    answer = _to(return_to)
    cookies.keep(answer, opened)
    return answer
