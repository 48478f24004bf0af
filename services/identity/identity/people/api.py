"""HTTP in: people of a tenant."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, BaseModel, Field

from chassis.auth import requires
from chassis.http import NoStore, Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.names import clean_name
from gtvision.patch import Patch
from gtvision.tenancy import Caller, Role, Scope
from identity.keys.domain import CameraGroups, Secret
from identity.people.domain.users import NAME_MAX, NO_NUL, Email, User, UserSearch
from identity.people.usecases.credentials import Credentials
from identity.people.usecases.users import NewUser, Users

router = APIRouter(prefix="/api/v1")

UsersDep = Annotated[Users, Provided(Users)]
CredentialsDep = Annotated[Credentials, Provided(Credentials)]
Reader = Annotated[Caller, requires(Scope.USERS_READ)]
Writer = Annotated[Caller, requires(Scope.USERS_WRITE)]

Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX), AfterValidator(clean_name)] | None


class UserIn(StrictModel):
    """A new user. They must change the password, which another person chose, at their first login, unless said otherwise."""

    email: Email
    password: Secret
    role: Role
    camera_groups: CameraGroups = None
    name: Name = None
    must_change_password: bool = True


class UserPatch(StrictModel):
    """What can be changed; what is left out stays. `camera_groups: null` means every camera."""

    role: Role | None = None
    camera_groups: CameraGroups = None
    name: Name = None
    disabled: bool | None = None

    def patch(self) -> Patch:
        """The fields that were sent, as the user has them."""
        sent = dict(Patch.of(self).values)
        if self.camera_groups is not None:
            sent["camera_groups"] = frozenset(self.camera_groups)
        return Patch(sent)


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
    last_login_at: datetime | None
    """Null where they never logged in; a refresh is no login."""

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
            last_login_at=user.last_login_at,
        )


class ResetOut(BaseModel):
    """Told once; it must be changed at the next login."""

    password: str


async def _search(
    q: Annotated[str | None, Query(max_length=100, pattern=NO_NUL, description="A part of the e-mail address or the name")] = None,
    role: Role | None = None,
    disabled: bool | None = None,
) -> UserSearch:
    return UserSearch(q, role, disabled)


SearchDep = Annotated[UserSearch, Depends(_search)]


@router.get("/users")
async def list_users(
    caller: Reader,
    users: UsersDep,
    search: SearchDep,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Page[UserOut]:
    """The users of the tenant, oldest first."""
    after = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    found = await users.list_users(caller, search, after, limit + 1)
    following = encode_cursor(id=found[limit - 1].id) if len(found) > limit else None
    return Page(items=[UserOut.of(user) for user in found[:limit]], next=following)


@router.post("/users", status_code=201)
async def create_user(body: UserIn, caller: Writer, users: UsersDep, once: Idempotent, response: Response) -> UserOut:
    """Add a user."""
    groups = None if body.camera_groups is None else frozenset(body.camera_groups)
    asked = NewUser(body.email, body.password.get_secret_value(), body.role, groups, body.name, body.must_change_password)
    user = await users.create_user(caller, asked, once)
    tell_replayed(once, response)
    return UserOut.of(user)


@router.get("/users/{user_id}")
async def get_user(user_id: UUID, caller: Reader, users: UsersDep) -> UserOut:
    """One user."""
    return UserOut.of(await users.user(caller, user_id))


@router.patch("/users/{user_id}")
async def change_user(user_id: UUID, body: UserPatch, caller: Writer, users: UsersDep) -> UserOut:
    """Change role, camera groups or name, disable or let in again. A change of rights ends all their sessions."""
    return UserOut.of(await users.change_user(caller, user_id, body.patch()))


@router.post("/users/{user_id}/reset-password", dependencies=NoStore)
async def reset_password(user_id: UUID, caller: Writer, credentials: CredentialsDep) -> ResetOut:
    """Give a user a generated password, told once, that they must change at their next login. Ends all their sessions."""
    return ResetOut(password=await credentials.reset_password(caller, user_id))
