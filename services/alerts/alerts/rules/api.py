"""HTTP in: rules and their versions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import AfterValidator, BaseModel, Field

from alerts.rules.domain import Rule, Version
from alerts.rules.usecases import RuleDraft, Rules
from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.errors import Invalid
from gtvision.events import Severity
from gtvision.names import clean_name
from gtvision.patch import Patch
from gtvision.rules import RuleCondition
from gtvision.tenancy import Caller, Scope

router = APIRouter(prefix="/api/v1/rules", tags=["alerts"])

Reader = Annotated[Caller, requires(Scope.RULES_READ)]
Writer = Annotated[Caller, requires(Scope.RULES_WRITE)]
RulesDep = Annotated[Rules, Provided(Rules)]
Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(clean_name)]
Cooldown = Annotated[int, Field(ge=0, le=86_400, description="Hits of a camera closer than this to the one before are one alert, seconds")]
Channels = Annotated[tuple[UUID, ...], Field(max_length=50, description="Told first, instead of the usual channels")]


class RuleIn(StrictModel):
    """A new rule. It is switched off unless told otherwise: try it first (`POST /detections/dry-run`)."""

    name: Name
    enabled: bool = False
    severity: Severity = Severity.WARNING
    condition: RuleCondition
    cooldown_s: Cooldown = 60
    channel_ids: Channels | None = None


class RulePatch(StrictModel):
    """What to change. What is left out stays; the condition is replaced as a whole; null `channel_ids`: the usual channels."""

    name: Name | None = None
    enabled: bool | None = None
    severity: Severity | None = None
    condition: RuleCondition | None = None
    cooldown_s: Cooldown | None = None
    channel_ids: Channels | None = None

    def patch(self) -> Patch:
        """Raises: Invalid, where something is null that cannot be."""
        null = [name for name in sorted(self.model_fields_set - {"channel_ids"}) if getattr(self, name) is None]
        if null:
            raise Invalid(f"{' and '.join(null)} cannot be null.")
        return Patch.of(self)


class RuleOut(BaseModel):
    """A rule."""

    rule_id: UUID
    name: str
    enabled: bool
    severity: Severity
    version: int
    condition: RuleCondition
    cooldown_s: int
    channel_ids: tuple[UUID, ...] | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, rule: Rule) -> RuleOut:
        return cls(**{name: getattr(rule, name) for name in cls.model_fields})


class VersionOut(BaseModel):
    """A rule as it was from `changed_at` on."""

    version: int
    name: str
    enabled: bool
    severity: Severity
    condition: RuleCondition
    cooldown_s: int
    channel_ids: tuple[UUID, ...] | None
    changed_by: UUID
    changed_at: datetime

    @classmethod
    def of(cls, version: Version) -> VersionOut:
        rule = RuleOut.of(version.rule).model_dump(exclude={"rule_id", "created_at", "updated_at", "condition"})
        return cls(**rule, condition=version.rule.condition, changed_by=version.changed_by, changed_at=version.changed_at)


@router.post("", status_code=status.HTTP_201_CREATED, summary="Make a rule")
async def post_rule(body: RuleIn, caller: Writer, rules: RulesDep, once: Idempotent, response: Response) -> RuleOut:
    draft = RuleDraft(body.name, body.enabled, body.severity, body.condition, body.cooldown_s, body.channel_ids)
    made = await rules.create_rule(caller, draft, once)
    tell_replayed(once, response)
    return RuleOut.of(made)


@router.get("", summary="Rules")
async def get_rules(caller: Reader, rules: RulesDep) -> Page[RuleOut]:
    """All of them on one page: a city has 200 at most."""
    return Page(items=[RuleOut.of(rule) for rule in await rules.list_rules(caller)], next=None)


@router.get("/{rule_id}", summary="A rule")
async def get_rule(rule_id: UUID, caller: Reader, rules: RulesDep) -> RuleOut:
    return RuleOut.of(await rules.show_rule(caller, rule_id))


@router.patch("/{rule_id}", summary="Change a rule; what it was is kept")
async def patch_rule(rule_id: UUID, body: RulePatch, caller: Writer, rules: RulesDep) -> RuleOut:
    return RuleOut.of(await rules.change_rule(caller, rule_id, body.patch()))


@router.delete("/{rule_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Remove a rule; its alerts stay")
async def remove_rule(rule_id: UUID, caller: Writer, rules: RulesDep) -> None:
    await rules.delete_rule(caller, rule_id)


@router.get("/{rule_id}/versions", summary="How a rule was, who changed it and when, the newest first")
async def get_versions(rule_id: UUID, caller: Reader, rules: RulesDep) -> Page[VersionOut]:
    """The last hundred."""
    return Page(items=[VersionOut.of(each) for each in await rules.show_versions(caller, rule_id)], next=None)
