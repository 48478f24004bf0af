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
from identity.cities.domain import NAME_MAX, Tenant, check_logo_size, merged, named_limits
from identity.cities.usecases import CreatedTenant, NewTenant, SettingsChange, Tenants
from identity.people.domain.users import Email

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


class TenantIn(StrictModel):
    """A new tenant. The settings are the defaults, unless given."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX, pattern=r"\S"), AfterValidator(clean_name)]
    admin_email: Email
    settings: Annotated[dict[str, Any] | None, Field(max_length=50)] = None


class TenantOut(BaseModel):
    """A tenant."""

    id: UUID
    name: str
    revision: int
    created_at: datetime
    ceiling: dict[str, float] = {}
    """Most that the platform allows, by the dotted name of the setting (`quotas.cameras`)."""

    @classmethod
    def of(cls, tenant: Tenant, **more: Any) -> Self:
        known = {"id": tenant.id, "name": tenant.name, "revision": tenant.revision, "created_at": tenant.created_at}
        return cls(**known, ceiling=dict(tenant.ceiling), **more)


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
        return cls.of(made.tenant, admin=FirstAdminOut(id=made.admin.id, email=made.admin.email, password=made.password))


# --- what is read beside bodies ----------------------------------------------------------------------------------------


async def _picture(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        check_logo_size(len(body))
    return bytes(body)


TenantsDep = Annotated[Tenants, Provided(Tenants)]
_READ, _WRITE = requires(Scope.SETTINGS_READ, Scope.TENANTS_READ), requires(Scope.SETTINGS_WRITE, Scope.TENANTS_WRITE)


def _revision(if_match: str | None) -> int | None:
    """None where nothing is said; what is no ETag of ours is no revision that ever was."""
    found = _ETAG.fullmatch(if_match.strip()) if if_match is not None else None
    return int(found[1]) if found else None if if_match is None else 0


def _strict(document: dict[str, Any]) -> TenantSettings:
    """A field that we do not know is refused. Raises: RequestValidationError."""
    try:
        return TenantSettings.model_validate(document, extra="forbid")
    except ValidationError as error:
        _refuse(error)


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
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[TenantOut]:
    """Every tenant of the platform, oldest first."""
    after = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    found = await tenants.list_tenants(after, limit + 1)
    following = encode_cursor(id=found[limit - 1].id) if len(found) > limit else None
    return Page(items=[TenantOut.of(tenant) for tenant in found[:limit]], next=following)


@router.post("/tenants", status_code=201, dependencies=NoStore)
async def create_tenant(
    body: TenantIn,
    caller: Annotated[Caller, requires(Scope.TENANTS_WRITE)],
    tenants: TenantsDep,
    once: Idempotent,
) -> TenantMadeOut:
    """Add a tenant with its first administrator, whose generated password is in this answer and nowhere else: a repeat is a 409."""
    asked = NewTenant(body.name.strip(), body.admin_email, _strict(body.settings or {}), named_limits(body.settings or {}))
    return TenantMadeOut.created(await tenants.create_tenant(caller, asked, once))


@router.get("/tenants/{tenant_id}")
async def tenant(tenant_id: UUID, caller: Annotated[Caller, _READ], tenants: TenantsDep) -> TenantOut:
    """One's own tenant; the platform's administrators see any."""
    return TenantOut.of(await tenants.tenant(caller, tenant_id))


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
    done = await tenants.change_settings(
        caller, tenant_id, _revision(if_match), SettingsChange(partial(_replaced, body), named_limits(body), whole=True)
    )
    return _shown(done, response)


@router.patch("/tenants/{tenant_id}/settings", openapi_extra=_PATCH_BODY)
async def change_settings(
    tenant_id: UUID, body: Document, caller: Annotated[Caller, _WRITE], tenants: TenantsDep, response: Response, if_match: IfMatch = None
) -> TenantSettings:
    """Change a part of the settings (RFC 7396: null brings a default back). `If-Match` is required."""
    done = await tenants.change_settings(
        caller, tenant_id, _revision(if_match), SettingsChange(partial(_patched, body), named_limits(body))
    )
    return _shown(done, response)


@router.put("/tenants/{tenant_id}/logo", status_code=204, openapi_extra=_LOGO_BODY)
async def set_logo(
    tenant_id: UUID, caller: Annotated[Caller, _WRITE], tenants: TenantsDep, picture: Annotated[bytes, Depends(_picture)]
) -> None:
    """The city's logo: PNG or JPEG, at most 512 KB and 2 megapixels."""
    await tenants.set_logo(caller, tenant_id, picture)


@router.get("/tenants/{tenant_id}/logo", responses={200: {"content": {"image/png": _PICTURE, "image/jpeg": _PICTURE}}})
async def logo(tenant_id: UUID, caller: Annotated[Caller, requires()], tenants: TenantsDep) -> Response:
    """The picture of one's own city, for every role; the platform's administrators see any."""
    key, data = await tenants.logo(caller, tenant_id)
    kind = "image/png" if key.endswith(".png") else "image/jpeg"
    return Response(data, media_type=kind, headers={"cache-control": "private, max-age=300", "x-content-type-options": "nosniff"})
