"""HTTP in: groups of cameras. Which cameras are in one is set on the cameras."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, Field

from cameras.groups.domain import Group
from cameras.groups.usecases import Groups
from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.names import clean_name
from gtvision.tenancy import Caller, Scope

router = APIRouter(prefix="/api/v1/groups")

Reader = Annotated[Caller, requires(Scope.CAMERAS_READ)]
Writer = Annotated[Caller, requires(Scope.CAMERAS_WRITE)]
GroupsDep = Annotated[Groups, Provided(Groups)]


class GroupIn(StrictModel):
    """A group's name, which no other group of the city has in whatever case."""

    name: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(clean_name)]


class GroupOut(BaseModel):
    """A group and how many cameras are in it."""

    id: UUID
    name: str
    cameras: int
    created_at: datetime

    @classmethod
    def of(cls, group: Group, cameras: int) -> GroupOut:
        return cls(id=group.id, name=group.name, cameras=cameras, created_at=group.created_at)


@router.get("")
async def list_groups(
    caller: Reader,
    groups: GroupsDep,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Page[GroupOut]:
    """The groups that the caller may see, in order of name."""
    after = decode_cursor(cursor, name=str)["name"] if cursor else None
    found = await groups.list_groups(caller, after, limit + 1)
    following = encode_cursor(name=found[limit - 1][0].name_key) if len(found) > limit else None
    return Page(items=[GroupOut.of(*each) for each in found[:limit]], next=following)


@router.post("", status_code=201)
async def create_group(body: GroupIn, caller: Writer, groups: GroupsDep, once: Idempotent, response: Response) -> GroupOut:
    """Make a group. Cameras are put into it by their `groups`."""
    made = await groups.create_group(caller, body.name, once)
    tell_replayed(once, response)
    return GroupOut.of(*made)


@router.patch("/{group_id}")
async def rename_group(group_id: UUID, body: GroupIn, caller: Writer, groups: GroupsDep) -> GroupOut:
    """Give a group another name."""
    return GroupOut.of(*await groups.rename_group(caller, group_id, body.name))


@router.delete("/{group_id}", status_code=204)
async def remove_group(group_id: UUID, caller: Writer, groups: GroupsDep) -> None:
    """Remove a group. Its cameras stay, and are in it no longer; an account that is limited to it sees them no longer."""
    await groups.remove_group(caller, group_id)
