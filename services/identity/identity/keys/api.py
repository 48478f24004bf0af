"""HTTP in: API keys of programs, and the public halves of the signing keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, Field

from chassis.auth import requires
from chassis.documentation import PUBLIC
from chassis.http import NoStore, Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent
from gtvision.names import clean_name
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from identity.keys.domain import ApiKey, CameraGroups
from identity.keys.usecases import ApiKeys, NewKey, SigningKeys

router = APIRouter(prefix="/api/v1")


class ApiKeyIn(StrictModel):
    """A new key: it can do a part of what you can, for at most two years (one, unless you say otherwise)."""

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(clean_name)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    camera_groups: CameraGroups = None
    expires_at: Instant | None = None


class ApiKeyOut(BaseModel):
    """A key without its text."""

    id: UUID
    name: str
    hint: str | None
    scopes: list[str]
    camera_groups: list[UUID] | None
    created_at: datetime
    created_by: UUID | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_address: str | None

    @classmethod
    def of(cls, made: ApiKey, **more: str) -> Self:
        shown = {name: getattr(made, name) for name in ApiKeyOut.model_fields}
        groups = None if made.camera_groups is None else sorted(made.camera_groups)
        return cls(**shown | {"scopes": sorted(made.rights), "camera_groups": groups} | more)


class ApiKeyMadeOut(ApiKeyOut):
    """A key with its text, which is shown this once."""

    key: str


ApiKeysDep = Annotated[ApiKeys, Provided(ApiKeys)]


@router.get("/api-keys")
async def list_api_keys(
    caller: Annotated[Caller, requires(Scope.API_KEYS_READ)],
    api_keys: ApiKeysDep,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[ApiKeyOut]:
    """The keys of the tenant, oldest first, the revoked ones too."""
    after = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    found = await api_keys.list_api_keys(caller, after, limit + 1)
    following = encode_cursor(id=found[limit - 1].id) if len(found) > limit else None
    return Page(items=[ApiKeyOut.of(key) for key in found[:limit]], next=following)


@router.post("/api-keys", status_code=201, dependencies=NoStore)
async def create_api_key(
    body: ApiKeyIn, caller: Annotated[Caller, requires(Scope.API_KEYS_WRITE)], api_keys: ApiKeysDep, once: Idempotent
) -> ApiKeyMadeOut:
    """Make a key. Its text is in this answer and nowhere else, so that a repeat is a 409; exchange it at /auth/token for a short token."""
    groups = None if body.camera_groups is None else frozenset(body.camera_groups)
    key, text = await api_keys.create_api_key(caller, NewKey(body.name, frozenset(body.scopes), groups, body.expires_at), once)
    return ApiKeyMadeOut.of(key, key=text)


@router.get("/api-keys/{key_id}")
async def api_key(key_id: UUID, caller: Annotated[Caller, requires(Scope.API_KEYS_READ)], api_keys: ApiKeysDep) -> ApiKeyOut:
    """One key."""
    return ApiKeyOut.of(await api_keys.api_key(caller, key_id))


@router.delete("/api-keys/{key_id}", status_code=204)
async def revoke_api_key(key_id: UUID, caller: Annotated[Caller, requires(Scope.API_KEYS_WRITE)], api_keys: ApiKeysDep) -> None:
    """It opens nothing any more, and every token that it gave ends at once."""
    await api_keys.revoke_api_key(caller, key_id)


class JwksOut(BaseModel):
    """RFC 7517."""

    keys: list[dict[str, str]]


@router.get("/.well-known/jwks.json", openapi_extra=PUBLIC)
async def public_keys(response: Response, keys: Annotated[SigningKeys, Provided(SigningKeys)]) -> JwksOut:
    """The keys that tokens are signed with."""
    response.headers["cache-control"] = "public, max-age=30"
    return JwksOut.model_validate(keys.jwks)
