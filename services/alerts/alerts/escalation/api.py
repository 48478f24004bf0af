"""HTTP in: policies, groups on call, and who is on call."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from alerts.deliveries.domain import Recipient
from alerts.escalation.domain import Group, Member, Override, Policy, PolicyStep, Rotation, Shift
from alerts.escalation.usecases import Policies
from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.errors import Invalid
from gtvision.events import Severity
from gtvision.ids import new_id
from gtvision.names import clean_name
from gtvision.patch import Patch
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant

router = APIRouter(prefix="/api/v1/escalation", tags=["alerts"])

Reader = Annotated[Caller, requires(Scope.CHANNELS_READ)]
Writer = Annotated[Caller, requires(Scope.CHANNELS_WRITE)]
PoliciesDep = Annotated[Policies, Provided(Policies)]
Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(clean_name)]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
Ids = Annotated[tuple[UUID, ...], Field(max_length=50)]
Address = Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class StepModel(StrictModel):
    """Whom to tell when the alert has been open for so many minutes: channels, and who is on call in groups."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)

    after_min: Annotated[int, Field(ge=0, le=10_080)]
    channel_ids: Ids = ()
    group_ids: Ids = ()

    def step(self) -> PolicyStep:
        return PolicyStep(self.after_min, self.channel_ids, self.group_ids)


Steps = Annotated[tuple[StepModel, ...], Field(min_length=1, max_length=20)]


class PolicyIn(StrictModel):
    """A new policy. An empty list of a kind means every one; the first step has after_min 0."""

    name: Name
    enabled: bool = True
    order: Annotated[int, Field(ge=0, le=10_000)] = 100
    severities: Annotated[tuple[Severity, ...], Field(max_length=3)] = ()
    kinds: Annotated[tuple[Kind, ...], Field(max_length=50)] = ()
    watchlist_ids: Ids = ()
    rule_ids: Ids = ()
    steps: Steps
    repeat_h: Annotated[int | None, Field(ge=1, le=12, description="Hours between reminders while open and critical")] = 4


class PolicyPatch(StrictModel):
    """What to change. What is left out stays; a null `repeat_h` ends the reminders."""

    name: Name | None = None
    enabled: bool | None = None
    order: Annotated[int | None, Field(ge=0, le=10_000)] = None
    severities: Annotated[tuple[Severity, ...] | None, Field(max_length=3)] = None
    kinds: Annotated[tuple[Kind, ...] | None, Field(max_length=50)] = None
    watchlist_ids: Ids | None = None
    rule_ids: Ids | None = None
    steps: Steps | None = None
    repeat_h: Annotated[int | None, Field(ge=1, le=12)] = None


class PolicyOut(BaseModel):
    """Who is told of which alerts, and who next where nobody answers."""

    model_config = ConfigDict(from_attributes=True)

    policy_id: UUID
    name: str
    enabled: bool
    order: int
    severities: list[Severity]
    kinds: list[str]
    watchlist_ids: list[UUID]
    rule_ids: list[UUID]
    steps: list[StepModel]
    repeat_h: int | None


class WayModel(StrictModel):
    """A channel, and the person's own address on it; null: the channel's."""

    channel_id: UUID
    to: Address = None


class MemberModel(StrictModel):
    """A person who takes turns."""

    name: Name
    user_id: UUID | None = None
    reach: Annotated[tuple[WayModel, ...], Field(min_length=1, max_length=10)]


class RotationModel(StrictModel):
    """Turns of so many days, from a date on, handed over at a time of the city's clock."""

    starts_on: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "08:00"
    days: Annotated[int, Field(ge=1, le=365)] = 7


class OverrideModel(StrictModel):
    """Another member in the place of the one whose turn it is."""

    start: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant, Field(alias="to")]
    member: Name


Members = Annotated[tuple[MemberModel, ...], Field(min_length=1, max_length=50)]
Overrides = Annotated[tuple[OverrideModel, ...], Field(max_length=100)]


class GroupIn(StrictModel):
    """A new group on call."""

    name: Name
    members: Members
    rotation: RotationModel
    overrides: Overrides = ()


class GroupPatch(StrictModel):
    """What to change. What is left out stays."""

    name: Name | None = None
    members: Members | None = None
    rotation: RotationModel | None = None
    overrides: Overrides | None = None


class GroupOut(BaseModel):
    """People who take turns at being on call."""

    group_id: UUID
    name: str
    members: list[MemberModel]
    rotation: RotationModel
    overrides: list[OverrideModel]

    @classmethod
    def of(cls, group: Group) -> GroupOut:
        turns = group.rotation
        return cls(
            group_id=group.group_id,
            name=group.name,
            members=[
                MemberModel(
                    name=each.name,
                    user_id=each.user_id,
                    reach=tuple(WayModel(channel_id=way.channel_id, to=way.to or None) for way in each.reach),
                )
                for each in group.members
            ],
            rotation=RotationModel(starts_on=turns.starts_on, at=f"{turns.at:%H:%M}", days=turns.days),
            overrides=[
                OverrideModel.model_validate({"from": each.start, "to": each.end, "member": each.member}) for each in group.overrides
            ],
        )


class ShiftOut(BaseModel):
    """Who is on call from an instant to another."""

    group_id: UUID
    group_name: str
    member: str
    start: Annotated[datetime, Field(serialization_alias="from")]
    end: Annotated[datetime, Field(serialization_alias="to")]

    @classmethod
    def of(cls, shift: Shift) -> ShiftOut:
        return cls(group_id=shift.group_id, group_name=shift.group_name, member=shift.member, start=shift.start, end=shift.end)


@router.get("/policies", summary="Policies, in the order in which they are asked")
async def get_policies(caller: Reader, policies: PoliciesDep) -> Page[PolicyOut]:
    return Page(items=[PolicyOut.model_validate(each) for each in await policies.list_policies(caller)])


@router.post("/policies", status_code=status.HTTP_201_CREATED, summary="Say who is told of which alerts")
async def post_policy(body: PolicyIn, caller: Writer, policies: PoliciesDep, once: Idempotent, response: Response) -> PolicyOut:
    values = _policy_values(Patch.of(body))
    draft = Policy(policy_id=new_id(), tenant_id=caller.tenant_id, created_at=policies.clock.now(), **values)
    made = await policies.create_policy(caller, draft, once)
    tell_replayed(once, response)
    return PolicyOut.model_validate(made)


@router.patch("/policies/{policy_id}", summary="Change a policy")
async def patch_policy(policy_id: UUID, body: PolicyPatch, caller: Writer, policies: PoliciesDep) -> PolicyOut:
    return PolicyOut.model_validate(await policies.change_policy(caller, policy_id, Patch(_policy_values(_patch(body, "repeat_h")))))


@router.delete("/policies/{policy_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Remove a policy")
async def delete_policy(policy_id: UUID, caller: Writer, policies: PoliciesDep) -> None:
    await policies.delete_policy(caller, policy_id)


@router.get("/groups", summary="Groups on call")
async def get_groups(caller: Reader, policies: PoliciesDep) -> Page[GroupOut]:
    return Page(items=[GroupOut.of(each) for each in await policies.list_groups(caller)])


@router.post("/groups", status_code=status.HTTP_201_CREATED, summary="Make a group on call")
async def post_group(body: GroupIn, caller: Writer, policies: PoliciesDep, once: Idempotent, response: Response) -> GroupOut:
    values = _group_values(Patch.of(body))
    draft = Group(group_id=new_id(), tenant_id=caller.tenant_id, created_at=policies.clock.now(), **values)
    made = await policies.create_group(caller, draft, once)
    tell_replayed(once, response)
    return GroupOut.of(made)


@router.patch("/groups/{on_call_id}", summary="Change a group, or put another member in a turn's place")
async def patch_group(on_call_id: UUID, body: GroupPatch, caller: Writer, policies: PoliciesDep) -> GroupOut:
    return GroupOut.of(await policies.change_group(caller, on_call_id, Patch(_group_values(_patch(body)))))


@router.delete("/groups/{on_call_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Remove a group")
async def delete_group(on_call_id: UUID, caller: Writer, policies: PoliciesDep) -> None:
    await policies.delete_group(caller, on_call_id)


@router.get("/on-call", summary="Who is on call, from now on")
async def get_on_call(caller: Reader, policies: PoliciesDep, weeks: Annotated[int, Query(ge=1, le=52)] = 4) -> Page[ShiftOut]:
    return Page(items=[ShiftOut.of(shift) for shift in await policies.list_shifts(caller, weeks)])


def _patch(body: StrictModel, *nullable: str) -> Patch:
    """Raises: Invalid, where something is null that cannot be."""
    null = [name for name in sorted(body.model_fields_set - {*nullable}) if getattr(body, name) is None]
    if null:
        raise Invalid(f"{' and '.join(null)} cannot be null.")
    return Patch.of(body)


def _policy_values(patch: Patch) -> dict[str, Any]:
    return dict(patch.values) | ({"steps": tuple(step.step() for step in patch.values["steps"])} if "steps" in patch else {})


def _group_values(patch: Patch) -> dict[str, Any]:
    values = dict(patch.values)
    if "members" in values:
        values["members"] = tuple(
            Member(each.name, each.user_id, tuple(Recipient(way.channel_id, way.to or "") for way in each.reach))
            for each in values["members"]
        )
    if "rotation" in values:
        turns = values["rotation"]
        values["rotation"] = Rotation(turns.starts_on, time.fromisoformat(turns.at), turns.days)
    if "overrides" in values:
        values["overrides"] = tuple(Override(each.start, each.end, each.member) for each in values["overrides"])
    return values
