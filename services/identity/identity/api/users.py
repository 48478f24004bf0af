"""HTTP in: people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from chassis.auth import requires
from chassis.http import Page, StrictModel, decode_cursor, encode_cursor
from gtvision.tenancy import Caller, Role, Scope
from identity.api.wiring import Email, Secret, UsersDep
from identity.domain.api_keys import ApiKey
from identity.domain.tenants import Tenant
from identity.domain.users import User
from identity.usecases.users import NewUser

router = APIRouter(prefix="/api/v1")


class UserIn(StrictModel):
    """A new user."""

    email: Email
    password: Secret
    role: Role
    camera_groups: Annotated[list[UUID] | None, Field(max_length=1_000)] = None


class UserPatch(StrictModel):
    """What can be changed."""

    disabled: bool


class UserOut(BaseModel):
    """A user."""

    id: UUID
    tenant_id: UUID
    email: str
    role: Role
    camera_groups: list[UUID] | None
    disabled: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            id=user.id,
            tenant_id=user.tenant_id,
            email=user.email,
            role=user.role,
            camera_groups=None if user.camera_groups is None else sorted(user.camera_groups),
            disabled=user.is_disabled,
            created_at=user.created_at,
        )


class MeOut(BaseModel):
    """Who the token speaks for: a person has an address, a program a name."""

    id: UUID
    kind: Literal["user", "api_key"]
    email: str | None
    name: str
    role: Role
    scopes: list[str]
    tenant_id: UUID
    tenant: str

    @classmethod
    def of(cls, who: Caller, subject: User | ApiKey, tenant: Tenant) -> Self:
        person = isinstance(subject, User)
        return cls(
            id=subject.id,
            kind="user" if person else "api_key",
            email=subject.email if isinstance(subject, User) else None,
            name=subject.email if isinstance(subject, User) else subject.name,
            role=subject.role,
            scopes=sorted(who.scopes),
            tenant_id=tenant.id,
            tenant=tenant.name,
        )


@router.get("/users/me")
async def who_am_i(who: Annotated[Caller, requires()], users: UsersDep) -> MeOut:
    """Who this token speaks for."""
    subject, tenant = await users.who_am_i(who)
    return MeOut.of(who, subject, tenant)


@router.get("/users")
async def list_users(
    who: Annotated[Caller, requires(Scope.USERS_READ)],
    users: UsersDep,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[UserOut]:
    """The users of the tenant, oldest first."""
    after = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    found = await users.list_users(who, after, limit + 1)
    following = encode_cursor(id=found[limit - 1].id) if len(found) > limit else None
    return Page(items=[UserOut.of(user) for user in found[:limit]], next=following)


@router.post("/users", status_code=201)
async def create_user(body: UserIn, who: Annotated[Caller, requires(Scope.USERS_WRITE)], users: UsersDep) -> UserOut:
    """Add a user."""
    groups = None if body.camera_groups is None else frozenset(body.camera_groups)
    return UserOut.of(await users.create_user(who, NewUser(body.email, body.password.get_secret_value(), body.role, groups)))


@router.patch("/users/{user_id}")
async def set_user_disabled(
    user_id: UUID, body: UserPatch, who: Annotated[Caller, requires(Scope.USERS_WRITE)], users: UsersDep
) -> UserOut:
    """Disable a user, which ends all their sessions; or let them in again."""
    return UserOut.of(await users.set_user_disabled(who, user_id, body.disabled))
