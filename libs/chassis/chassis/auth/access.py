"""What a route declares: `caller: Annotated[Caller, requires(Scope.CAMERAS_READ)]`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from chassis.auth.tokens import Authenticator
from chassis.http.provided import provided
from gtvision.errors import MissingScope, Unauthenticated
from gtvision.tenancy import Caller, Scope


class Requires(SecurityBase):
    """The dependency behind `requires`."""

    asks_for: tuple[type, ...] = (Authenticator,)

    def __init__(self, scopes: tuple[Scope, ...]) -> None:
        self.scopes = scopes
        self.model = HTTPBearer(bearerFormat="JWT", description="An access token from /api/v1/auth/login or /api/v1/auth/token")
        self.scheme_name = "bearer"

    async def __call__(self, request: Request) -> Caller:
        caller = await authenticate(provided(request, Authenticator), request.headers.get("authorization"))
        if self.scopes and not any(scope in caller.scopes for scope in self.scopes):
            raise MissingScope(f"This needs the scope '{' or '.join(self.scopes)}'.")
        return caller


def requires(*scopes: Scope) -> Any:
    """The verified caller with (any one of) the scopes; without a scope, any caller with a token.

    Raises in the request: Unauthenticated (401), MissingScope (403), Unavailable (503).
    """
    return Security(Requires(scopes), scopes=[str(scope) for scope in scopes])


async def authenticate(authenticator: Authenticator, header: str | None) -> Caller:
    """The caller of an Authorization header. Only `Bearer` is known: no cookie, no query. Raises: as `Authenticator.verify`."""
    kind, _, token = (header or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Unauthenticated
    return await authenticator.verify(token.strip())


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route: anybody (`public`), or a token with any one of the scopes (none named: every token)."""

    method: str
    path: str
    public: bool
    scopes: tuple[Scope, ...]


class UndeclaredAccess(Exception):
    """A route neither needs a token nor says that it is public."""


def route_access(app: Any) -> Iterator[Access]:
    """Every HTTP route of an app with its access, for the generated matrix. Raises: UndeclaredAccess."""
    for route in _routes(app):
        dependant = getattr(route, "dependant", None)
        methods = getattr(route, "methods", None)
        if not isinstance(dependant, Dependant) or not methods:
            continue
        needed = list(_requirements(dependant))
        public = (getattr(route, "openapi_extra", None) or {}).get("x-access") == "public"
        if public == bool(needed):
            raise UndeclaredAccess(f"{sorted(methods)} {route.path_format}: declare requires(...) or x-access public, and not both")
        for method in sorted(methods):
            yield Access(method, route.path_format, public, needed[0].scopes if needed else ())


def _routes(app: Any) -> Iterator[Any]:
    for route in app.routes:
        contexts = getattr(route, "effective_route_contexts", None)
        if contexts is None:
            yield route
        else:
            yield from contexts()


def _requirements(dependant: Dependant) -> Iterator[Requires]:
    for below in dependant.dependencies:
        if isinstance(below.call, Requires):
            yield below.call
        yield from _requirements(below)
