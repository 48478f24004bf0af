"""What a route declares: `caller: Annotated[Caller, requires(Scope.CAMERAS_READ)]`."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Security
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
    """Returns the dependency on the verified caller with any one of the scopes; without a scope, on any caller with a token.

    Raises in the request: Unauthenticated (401), MissingScope (403), Unavailable (503).
    """
    return Security(Requires(scopes), scopes=[str(scope) for scope in scopes])


async def authenticate(authenticator: Authenticator, header: str | None) -> Caller:
    """Returns the caller of an Authorization header; only `Bearer` is accepted. Raises: as `Authenticator.verify`."""
    kind, _, token = (header or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Unauthenticated
    return await authenticator.verify(token.strip())
