"""Declared purposes: what a search for a plate or a look at a recording is for.

`caller: Annotated[Caller, requires_with_purpose(Scope.PLATES_SEARCH)]` asks for a token with the scope, and then for the header
`X-Purpose` as the caller's tenant wants it (`city.tenants`). What was declared goes on record by `chassis.origin`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Request, Security

from chassis.auth.access import Requires
from chassis.auth.tokens import Authenticator
from chassis.http import provided
from chassis.origin import origin
from city.tenants import TenantDirectory
from gtvision.errors import Invalid
from gtvision.tenancy import Caller, Purposes, Scope


class PurposeRequired(Invalid):
    """Your city wants to know what this is for: name one of its purposes in the header X-Purpose."""

    code = "purpose_required"


class PurposeUnknown(Invalid):
    """The header X-Purpose holds no purpose of your city."""

    code = "purpose_unknown"


Declared = Annotated[str | None, Header(description="Code of the declared purpose; where the city requires one, 422 without it")]
"""The dependency checks it, not its schema: a request without a token must not hear about its headers."""


class RequiresWithPurpose(Requires):
    """The dependency behind `requires_with_purpose`."""

    asks_for = (Authenticator, TenantDirectory)

    async def __call__(self, request: Request, x_purpose: Declared = None) -> Caller:
        caller = await super().__call__(request)
        check_purpose(provided(request, TenantDirectory).settings(caller.tenant_id).purposes, x_purpose)
        return caller


def requires_with_purpose(*scopes: Scope) -> Any:
    """As `requires`, and the purpose that the caller's tenant wants. Raises in the request also PurposeRequired, PurposeUnknown (422)."""
    return Security(RequiresWithPurpose(scopes), scopes=[str(scope) for scope in scopes])


def check_purpose(wanted: Purposes, given: str | None) -> None:
    """Raises: PurposeRequired, PurposeUnknown."""
    declared = origin().purpose  # what goes on record
    if declared is None and not given:
        if wanted.required:
            raise PurposeRequired
        return
    if declared is None or (wanted.codes and declared not in wanted.codes):
        raise PurposeUnknown
