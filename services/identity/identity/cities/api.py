"""HTTP in: tenants, their settings and their logos."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Annotated, Any, NoReturn, Self
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from chassis.auth import requires
from chassis.http import NoStore, Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent
from gtvision.names import clean_name
from gtvision.tenancy import Caller, Scope, TenantSettings
from gtvision.time import zone_of
from identity.cities.domain import NAME_MAX, Tenant, TenantSearch, TenantState, check_logo_size, merged, named_limits
from identity.cities.usecases.suspensions import Suspensions
from identity.cities.usecases.tenants import CreatedTenant, NewTenant, SettingsChange, Tenants
from identity.people.domain.users import NO_NUL, Email

router = APIRouter(prefix="/api/v1")

_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')
"""The edge makes it a weak one where it compresses an answer."""
_PICTURE = {"schema": {"type": "string", "format": "binary"}}
_LOGO_BODY = {"requestBody": {"required": True, "content": {"image/png": _PICTURE, "image/jpeg": _PICTURE}}}
_SETTINGS_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TenantSettings"}}}}
}
_PATCH_BODY = {"requestBody": {"required": True, "content": {"application/merge-patch+json": {"schema": {"type": "object"}}}}}

Document = Annotated[dict[str, Any], Body()]
IfMatch = Annotated[str | None, Header(max_length=100, description='ETag of the settings that this change is based on, as "3"')]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX, pattern=r"\S"), AfterValidator(clean_name)]


class TenantIn(StrictModel):
    """A new tenant. The settings are the defaults, unless given."""

    name: Name
    admin_email: Email
    admin_name: Name | None = None
    settings: Annotated[dict[str, Any] | None, Field(max_length=50)] = None


class TenantPatch(StrictModel):
    """What can be changed of a tenant itself; the rest are its settings."""

    name: Name


class TenantOut(BaseModel):
    """A tenant."""

    id: UUID
    name: str
    revision: int
    created_at: datetime
    state: TenantState
    suspended_at: datetime | None
    deletes_at: datetime | None
    """When a closing city is deleted, or a deleted one was to be."""
    users: int
    """Those who are not disabled."""
    ceiling: dict[str, float] = {}
    """Most that the platform allows, by the dotted name of the setting (`quotas.cameras`)."""

    @classmethod
    def of(cls, tenant: Tenant, users: int, **more: Any) -> Self:
        known = {"id": tenant.id, "name": tenant.name, "revision": tenant.revision, "created_at": tenant.created_at}
        ends = {"state": tenant.state, "suspended_at": tenant.suspended_at, "deletes_at": tenant.deletes_at}
        return cls(**known, **ends, users=users, ceiling=dict(tenant.ceiling), **more)


class FirstAdminOut(BaseModel):
    """The first administrator. The password is shown this once, and must be changed at the first login."""

    id: UUID
    email: str
    password: str


class TenantMadeOut(TenantOut):
    """A tenant and its first administrator."""

    admin: FirstAdminOut

    @classmethod
    def created(cls, made: CreatedTenant) -> Self:
        return cls.of(made.tenant, 1, admin=FirstAdminOut(id=made.admin.id, email=made.admin.email, password=made.password))


# --- what is read beside bodies ----------------------------------------------------------------------------------------


async def _picture(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        check_logo_size(len(body))
    return bytes(body)


async def _search(
    q: Annotated[str | None, Query(max_length=NAME_MAX, pattern=NO_NUL, description="A part of the name")] = None,
    state: TenantState | None = None,
) -> TenantSearch:
    return TenantSearch(q, state)


SearchDep = Annotated[TenantSearch, Depends(_search)]
SuspensionsDep = Annotated[Suspensions, Provided(Suspensions)]
TenantsDep = Annotated[Tenants, Provided(Tenants)]
_READ, _WRITE = requires(Scope.SETTINGS_READ, Scope.TENANTS_READ), requires(Scope.SETTINGS_WRITE, Scope.TENANTS_WRITE)


def _revision(if_match: str | None) -> int | None:
    """None where nothing is said; what is no ETag of ours is no revision that ever was."""
    found = _ETAG.fullmatch(if_match.strip()) if if_match is not None else None
    return int(found[1]) if found else None if if_match is None else 0


def _strict(document: dict[str, Any]) -> TenantSettings:
    """A field that we do not know is refused, and a time zone that nobody knows. Raises: RequestValidationError."""
    try:
        settings = TenantSettings.model_validate(document, extra="forbid")
    except ValidationError as error:
        _refuse(error)
    if zone_of(settings.timezone).key != settings.timezone:
        raise RequestValidationError([{"type": "value_error", "loc": ("body", "timezone"), "msg": "There is no such time zone."}])
    return settings


def _refuse(error: ValidationError) -> NoReturn:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in found])


def _replaced(document: dict[str, Any], _before: TenantSettings) -> TenantSettings:
    return _strict(document)


def _patched(patch: dict[str, Any], before: TenantSettings) -> TenantSettings:
    return _strict(merged(before.model_dump(mode="json"), patch))


def _shown(tenant: Tenant, response: Response) -> TenantSettings:
    response.headers["etag"] = f'"{tenant.revision}"'
    response.headers["cache-control"] = "private, no-cache"
    return tenant.settings


# --- tenants -----------------------------------------------------------------------------------------------------------


@router.get("/tenants")
async def list_tenants(
    _caller: Annotated[Caller, requires(Scope.TENANTS_READ)],
    tenants: TenantsDep,
    search: SearchDep,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[TenantOut]:
    """The tenants of the platform, oldest first. Deleted ones are listed with `state=deleted` only."""
    after = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    found = await tenants.list_tenants(search, after, limit + 1)
    following = encode_cursor(id=found[limit - 1][0].id) if len(found) > limit else None
    return Page(items=[TenantOut.of(*each) for each in found[:limit]], next=following)


@router.post("/tenants", status_code=201, dependencies=NoStore)
async def create_tenant(
    body: TenantIn,
    caller: Annotated[Caller, requires(Scope.TENANTS_WRITE)],
    tenants: TenantsDep,
    once: Idempotent,
) -> TenantMadeOut:
    """Add a tenant with its first administrator, whose generated password is in this answer and nowhere else: a repeat is a 409."""
    asked = NewTenant(body.name, body.admin_email, _strict(body.settings or {}), named_limits(body.settings or {}), body.admin_name)
    return TenantMadeOut.created(await tenants.create_tenant(caller, asked, once))


@router.get("/tenants/{tenant_id}")
async def tenant(tenant_id: UUID, caller: Annotated[Caller, _READ], tenants: TenantsDep) -> TenantOut:
    """One's own tenant; the platform's administrators see any."""
    return await _out(tenants, await tenants.tenant(caller, tenant_id))


@router.patch("/tenants/{tenant_id}")
async def change_tenant(tenant_id: UUID, body: TenantPatch, caller: Annotated[Caller, _WRITE], tenants: TenantsDep) -> TenantOut:
    """Rename a tenant (scope tenants:write)."""
    return await _out(tenants, await tenants.rename(caller, tenant_id, body.name))


@router.post("/tenants/{tenant_id}/suspend")
async def suspend_tenant(tenant_id: UUID, caller: Annotated[Caller, _WRITE], tenants: TenantsDep, suspensions: SuspensionsDep) -> TenantOut:
    """End every session of the city; its people and programs are refused with `city_suspended` (scope tenants:write)."""
    return await _out(tenants, await suspensions.suspend(caller, tenant_id))


@router.post("/tenants/{tenant_id}/resume")
async def resume_tenant(tenant_id: UUID, caller: Annotated[Caller, _WRITE], tenants: TenantsDep, suspensions: SuspensionsDep) -> TenantOut:
    """Let a suspended city in again; a deletion that was asked for is off (scope tenants:write)."""
    return await _out(tenants, await suspensions.resume(caller, tenant_id))


@router.delete("/tenants/{tenant_id}", status_code=202)
async def delete_tenant(tenant_id: UUID, caller: Annotated[Caller, _WRITE], tenants: TenantsDep, suspensions: SuspensionsDep) -> TenantOut:
    """Delete a suspended city at `deletes_at`, until when it can be resumed (scope tenants:write)."""
    return await _out(tenants, await suspensions.close(caller, tenant_id))


async def _out(tenants: Tenants, tenant: Tenant) -> TenantOut:
    return TenantOut.of(tenant, await tenants.count_users(tenant.id))


# --- settings ----------------------------------------------------------------------------------------------------------


@router.get("/tenants/{tenant_id}/settings")
async def settings(tenant_id: UUID, caller: Annotated[Caller, _READ], tenants: TenantsDep, response: Response) -> TenantSettings:
    """What the city decided for itself. The ETag names the revision that a change is based on."""
    return _shown(await tenants.tenant(caller, tenant_id), response)


@router.put("/tenants/{tenant_id}/settings", openapi_extra=_SETTINGS_BODY)
async def replace_settings(
    tenant_id: UUID, body: Document, caller: Annotated[Caller, _WRITE], tenants: TenantsDep, response: Response, if_match: IfMatch = None
) -> TenantSettings:
    """Replace the settings; what is left out takes its default, but the logo stays. `If-Match` is required."""
    change = SettingsChange(partial(_replaced, body), named_limits(body), whole=True)
    done = await tenants.change_settings(caller, tenant_id, _revision(if_match), change)
    return _shown(done, response)


@router.patch("/tenants/{tenant_id}/settings", openapi_extra=_PATCH_BODY)
async def change_settings(
    tenant_id: UUID, body: Document, caller: Annotated[Caller, _WRITE], tenants: TenantsDep, response: Response, if_match: IfMatch = None
) -> TenantSettings:
    """Change a part of the settings (RFC 7396: null brings a default back). `If-Match` is required."""
    change = SettingsChange(partial(_patched, body), named_limits(body))
    done = await tenants.change_settings(caller, tenant_id, _revision(if_match), change)
    return _shown(done, response)


@router.put("/tenants/{tenant_id}/logo", status_code=204, openapi_extra=_LOGO_BODY)
async def set_logo(
    tenant_id: UUID, caller: Annotated[Caller, _WRITE], tenants: TenantsDep, picture: Annotated[bytes, Depends(_picture)]
) -> None:
    """The city's logo: PNG or JPEG, at most 512 KB and 2 megapixels."""
    await tenants.set_logo(caller, tenant_id, picture)


@router.delete("/tenants/{tenant_id}/logo", status_code=204)
async def remove_logo(tenant_id: UUID, caller: Annotated[Caller, _WRITE], tenants: TenantsDep) -> None:
    """The city has no logo from now on; without one nothing changes."""
    await tenants.remove_logo(caller, tenant_id)


@router.get("/tenants/{tenant_id}/logo", responses={200: {"content": {"image/png": _PICTURE, "image/jpeg": _PICTURE}}})
async def logo(tenant_id: UUID, caller: Annotated[Caller, requires()], tenants: TenantsDep) -> Response:
    """The picture of one's own city, for every role; the platform's administrators see any."""
    key, data = await tenants.logo(caller, tenant_id)
    kind = "image/png" if key.endswith(".png") else "image/jpeg"
    return Response(data, media_type=kind, headers={"cache-control": "private, max-age=300", "x-content-type-options": "nosniff"})
