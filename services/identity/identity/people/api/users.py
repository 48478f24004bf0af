"""HTTP in: people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, Field

from chassis.auth import requires
from chassis.http import Page, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.tenancy import Caller, Role, Scope
from identity.api.wiring import Email, Groups, NoStore, PasswordsDep, SecondFactorsDep, Secret, UsersDep, printable
from identity.cities.domain import Tenant
from identity.keys.domain.api_keys import ApiKey
from identity.people.domain.users import NAME_MAX, User
from identity.people.usecases.users import Change, NewUser

router = APIRouter(prefix="/api/v1")

Name = Annotated[str | None, Field(min_length=1, max_length=NAME_MAX), AfterValidator(printable)]


class UserIn(StrictModel):
    """A new user. As somebody else chose the password, it has to be changed at the first login, unless said otherwise."""

    email: Email
    password: Secret
    role: Role
    camera_groups: Groups = None
    name: Name = None
    must_change_password: bool = True


class UserPatch(StrictModel):
    """What can be changed; what is left out stays. `camera_groups: null` means every camera."""

    role: Role | None = None
    camera_groups: Groups = None
    name: Name = None
    disabled: bool | None = None

    def change(self) -> Change:
        """As the verb takes it."""
        groups = None if self.camera_groups is None else frozenset(self.camera_groups)
        return Change(frozenset(self.model_fields_set), self.role, groups, self.name, self.disabled)


class UserOut(BaseModel):
    """A user."""

    id: UUID
    tenant_id: UUID
    email: str
    name: str | None
    role: Role
    camera_groups: list[UUID] | None
    disabled: bool
    must_change_password: bool
    second_factor: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            id=user.id,
            tenant_id=user.tenant_id,
            email=user.email,
            name=user.name,
            role=user.role,
            camera_groups=None if user.camera_groups is None else sorted(user.camera_groups),
            disabled=user.is_disabled,
            must_change_password=user.must_change_password,
            second_factor=user.asks_for_a_code,
            created_at=user.created_at,
        )


class ResetOut(BaseModel):
    """Told once; it must be changed at the next login."""

    password: str


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
    must_change_password: bool
    second_factor: bool
    purposes: list[str]
    """Codes that the city's `X-Purpose` may hold; empty: any code."""
    purpose_required: bool
    """Whether searches for plates, evidence and recordings are refused without one."""

    @classmethod
    def of(cls, who: Caller, subject: User | ApiKey, tenant: Tenant) -> Self:
        person = isinstance(subject, User)
        return cls(
            id=subject.id,
            kind="user" if person else "api_key",
            email=subject.email if isinstance(subject, User) else None,
            name=subject.name or subject.email if isinstance(subject, User) else subject.name,
            role=subject.role,
            scopes=sorted(who.scopes),
            tenant_id=tenant.id,
            tenant=tenant.name,
            must_change_password=isinstance(subject, User) and subject.must_change_password,
            second_factor=isinstance(subject, User) and subject.asks_for_a_code,
            purposes=list(tenant.settings.purposes.codes),
            purpose_required=tenant.settings.purposes.required,
        )


@router.get("/users/me")
async def who_am_i(who: Annotated[Caller, requires()], users: UsersDep) -> MeOut:
    """Who this token speaks for, and which purposes their city wants declared."""
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
async def create_user(
    body: UserIn, who: Annotated[Caller, requires(Scope.USERS_WRITE)], users: UsersDep, once: Idempotent, response: Response
) -> UserOut:
    """Add a user."""
    groups = None if body.camera_groups is None else frozenset(body.camera_groups)
    asked = NewUser(body.email, body.password.get_secret_value(), body.role, groups, body.name, body.must_change_password)
    user = await users.create_user(who, asked, once)
    tell_replayed(once, response)
    return UserOut.of(user)


@router.get("/users/{user_id}")
async def get_user(user_id: UUID, who: Annotated[Caller, requires(Scope.USERS_READ)], users: UsersDep) -> UserOut:
    """One user."""
    return UserOut.of(await users.user(who, user_id))


@router.patch("/users/{user_id}")
async def change_user(user_id: UUID, body: UserPatch, who: Annotated[Caller, requires(Scope.USERS_WRITE)], users: UsersDep) -> UserOut:
    """Change role, camera groups or name, disable or let in again. A change of rights ends all their sessions."""
    return UserOut.of(await users.change_user(who, user_id, body.change()))


@router.post("/users/{user_id}/reset-password", dependencies=NoStore)
async def reset_password(user_id: UUID, who: Annotated[Caller, requires(Scope.USERS_WRITE)], passwords: PasswordsDep) -> ResetOut:
    """Give a user a generated password, told once, that they must change at their next login. Ends all their sessions."""
    return ResetOut(password=await passwords.reset_password(who, user_id))


@router.delete("/users/{user_id}/second-factor", status_code=204)
async def reset_second_factor(user_id: UUID, who: Annotated[Caller, requires(Scope.USERS_WRITE)], factors: SecondFactorsDep) -> None:
    """Disable the second factor of somebody who lost phone and recovery codes. Ends all their sessions."""
    await factors.reset(who, user_id)
