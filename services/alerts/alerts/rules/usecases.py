"""What is done with rules: by people, and with what comes in."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from alerts.alerts.domain import KnownCamera
from alerts.rules.domain import RULES_AT_MOST, Rule, Version, differences, occurrence, sighting_of, told_of
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim
from chassis.logs import get_logger
from city.audit import AuditEntry, record
from city.judging import Judge
from gtvision.audit import Action
from gtvision.errors import Conflict, Forbidden, NotFound
from gtvision.events import Event, Severity, StoredDetection, TenantRemoved
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.rules import RuleCondition, Sighting
from gtvision.tenancy import Caller, TenantSettings
from gtvision.time import Clock, zone_of

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.alerts.usecases import Alerts
    from alerts.maintenance.usecases import Maintenance
    from alerts.rules.repository import PostgresRules

log = get_logger(__name__)

CONSUMER = "rules_detections"
_VERSIONS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule, as a person made it."""

    name: str
    enabled: bool
    severity: Severity
    condition: RuleCondition
    cooldown_s: int
    channel_ids: tuple[UUID, ...] | None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the caller's tenant. Who is limited to groups sees and makes rules about cameras of these groups only."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresRules]
    cameras: Callable[[UnitOfWork], PostgresAlerts]
    clock: Clock

    async def create_rule(self, caller: Caller, draft: RuleDraft, once: Once | None = None) -> Rule:
        """Raises: Conflict where the name is taken or there are enough, Forbidden, IdempotencyKeyReused, Gone."""
        now = self.clock.now()
        made = draft.name, draft.enabled, draft.severity, draft.condition, draft.cooldown_s, draft.channel_ids
        rule = Rule(new_id(), caller.tenant_id, *made, created_at=now, updated_at=now)
        async with self.uow(caller.tenant_id) as uow:
            rules = self.repository(uow)
            earlier = await claim(uow, caller, once, rule.rule_id, now)
            if earlier is not None:
                if (known := await rules.get(earlier)) is None:
                    raise Gone
                return known
            await self._check_rights(uow, caller, rule)
            if await rules.count() >= RULES_AT_MOST:
                raise Conflict(f"A city has {RULES_AT_MOST} rules at most: remove one that is not needed.")
            await rules.add(rule, caller.user_id)
            record(uow, Action.RULE_CREATED, caller, _audit(rule))
        return rule

    async def list_rules(self, caller: Caller) -> list[Rule]:
        """Returns all that the caller may see, in order of their making."""
        async with self.uow(caller.tenant_id) as uow:
            found = await self.repository(uow).list_all()
            return [rule for rule in found if await self._may_see(uow, caller, rule)]

    async def show_rule(self, caller: Caller, rule_id: UUID) -> Rule:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            return await self._mine(uow, caller, rule_id)

    async def show_versions(self, caller: Caller, rule_id: UUID) -> list[Version]:
        """Returns the versions of a rule, the newest first, with the one that holds. Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            await self._mine(uow, caller, rule_id)
            return await self.repository(uow).list_versions(rule_id, _VERSIONS_SHOWN)

    async def change_rule(self, caller: Caller, rule_id: UUID, patch: Patch) -> Rule:
        """Changes a rule, and keeps what it was. Raises: Conflict where the name is taken, Forbidden, NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            rule = await self._mine(uow, caller, rule_id, lock=True)
            wanted = patch.apply(rule)
            if wanted == rule:
                return rule
            changed = replace(wanted, version=rule.version + 1, updated_at=self.clock.now())
            await self._check_rights(uow, caller, changed)
            await self.repository(uow).save(changed, caller.user_id)
            record(uow, Action.RULE_CHANGED, caller, _audit(changed, changed=differences(rule, wanted)))
        return changed

    async def delete_rule(self, caller: Caller, rule_id: UUID) -> None:
        """Deletes the rule; its alerts stay. Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            rule = await self._mine(uow, caller, rule_id, lock=True)
            await self.repository(uow).delete(rule_id)
            record(uow, Action.RULE_REMOVED, caller, _audit(rule))

    async def forget_city(self, consumer: str, event: Event[TenantRemoved]) -> None:
        """Deletes the rules of a city that left. A repeat changes nothing."""
        async with self.uow(event.tenant_id) as uow:
            if await uow.seen(consumer, event.event_id):
                return
            for rule in await self.repository(uow).list_all():
                await self.repository(uow).delete(rule.rule_id)
                record(uow, Action.RULE_REMOVED, None, _audit(rule))

    async def channels_of(self, uow: UnitOfWork, rule_id: UUID) -> tuple[UUID, ...] | None:
        """Returns the channels that are told first of a rule's alerts; None: as of every alert."""
        return await self.repository(uow).channels_of(rule_id)

    async def _mine(self, uow: UnitOfWork, caller: Caller, rule_id: UUID, *, lock: bool = False) -> Rule:
        rule = await self.repository(uow).get(rule_id, lock=lock)
        if rule is None or not await self._may_see(uow, caller, rule):
            raise NotFound
        return rule

    async def _check_rights(self, uow: UnitOfWork, caller: Caller, rule: Rule) -> None:
        if not await self._may_see(uow, caller, rule):
            raise Forbidden("You may make rules about cameras of your own groups only: name them in the condition.")

    async def _may_see(self, uow: UnitOfWork, caller: Caller, rule: Rule) -> bool:
        if caller.camera_groups is None:
            return True
        known = {camera: await self.cameras(uow).camera(camera) for camera in rule.condition.camera_ids}
        groups = {camera_id: camera.groups for camera_id, camera in known.items() if camera}
        return rule.is_within(caller.camera_groups, lambda camera_id: groups.get(camera_id, frozenset()))


def _audit(rule: Rule, **more: str) -> AuditEntry:
    cameras = sorted(rule.condition.camera_ids)
    condition = rule.condition.model_dump_json(by_alias=True, exclude_defaults=True)
    details = {"name": rule.name, "version": rule.version, "enabled": rule.enabled, "severity": rule.severity, "condition": condition}
    return AuditEntry("rule", rule.rule_id, cameras[0] if len(cameras) == 1 else None, details=details | more)


# --- what comes in -----------------------------------------------------------------------------------------------------

_FRESH_S = 10.0
"""So long cameras' groups and holidays are believed before they are read again."""
_REMEMBERED = 500
Hit: TypeAlias = tuple[Rule, Sighting]


@dataclass(slots=True)
class _City:
    """What is remembered of a city: its rules with their judges, and the last events."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    judges: dict[UUID, tuple[Rule, Judge]] = field(default_factory=dict)
    versions: dict[UUID, int] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    cameras: dict[UUID, KnownCamera | None] = field(default_factory=dict)
    read_at: float = float("-inf")
    judged: OrderedDict[UUID, list[Hit]] = field(default_factory=OrderedDict)
    """Events, with the hits that are not committed yet: a judge that has seen a picture does not see it anew."""


@dataclass(frozen=True, slots=True)
class RuleWatch:
    """Judges stored detections by the rules that are switched on, and raises their alerts.

    One process at a time hears them (a single active consumer), in order, so that its tracks see every picture. Where it ends, the next
    one begins with no tracks: what was crossing a line at that moment is not told, and what dwells begins anew.
    """

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresRules]
    cameras: Callable[[UnitOfWork], PostgresAlerts]
    alerts: Alerts
    maintenance: Maintenance
    settings: Callable[[UUID], TenantSettings]
    clock: Clock
    cities: dict[UUID, _City] = field(default_factory=dict)

    async def judge_detections(self, tenant_id: UUID, event_id: UUID, detections: Sequence[StoredDetection]) -> int:
        """Returns how many alerts were new; a repeat of the event does nothing."""
        city = self.cities.setdefault(tenant_id, _City())
        async with city.lock:
            async with self.uow(tenant_id) as uow:
                await self._refresh(uow, city, tenant_id)
                if not city.judges:
                    return 0
                hits = city.judged.get(event_id)
                if hits is None:
                    hits = await self._judge(uow, city, [sighting_of(each) for each in detections])
                    city.judged[event_id] = hits
                    while len(city.judged) > _REMEMBERED:
                        city.judged.popitem(last=False)
                # Only what raises something is remembered in the inbox: of the other events, nearly all, a repeat does nothing anyway.
                raised = 0 if not hits or await uow.seen(CONSUMER, event_id) else await self._raise(uow, city, hits)
            city.judged[event_id] = []
        return raised

    async def _refresh(self, uow: UnitOfWork, city: _City, tenant_id: UUID) -> None:
        """Takes the rules as they are now: their versions are read each time, a rule itself where its version is new."""
        versions = await self.repository(uow).enabled_versions()
        if not versions:
            city.judges, city.versions = {}, {}
            return
        now = self.clock.monotonic()
        if now - city.read_at > _FRESH_S:
            city.read_at, city.cameras = now, {}
            city.holidays = await self.maintenance.holidays(uow)
        zone = zone_of(self.settings(tenant_id).timezone)
        if versions != city.versions:
            news = [rule_id for rule_id, version in versions.items() if city.versions.get(rule_id) != version]
            kept = {rule_id: judge for rule_id, judge in city.judges.items() if rule_id in versions and rule_id not in news}
            loaded = await self.repository(uow).load(news) if news else []
            city.judges = kept | {rule.rule_id: (rule, Judge(rule.condition, zone, city.holidays)) for rule in loaded}
            city.versions = versions
        for _, judge in city.judges.values():
            judge.zone, judge.holidays = zone, city.holidays

    async def _judge(self, uow: UnitOfWork, city: _City, sightings: list[Sighting]) -> list[Hit]:
        if any(rule.condition.group_ids for rule, _ in city.judges.values()):
            await self._know(uow, city, {each.camera_id for each in sightings})
        hits: list[Hit] = []
        for rule, judge in city.judges.values():
            try:
                found = judge.judge(each for each in sightings if rule.condition.watches(each.camera_id, _groups(city, each.camera_id)))
            except Exception:  # one rule must never stop the others
                log.exception("rule_failed", rule_id=str(rule.rule_id), tenant_id=str(rule.tenant_id))
                continue
            hits += ((rule, hit) for hit in told_of(found, rule.cooldown))
            await asyncio.sleep(0)  # other cities and requests have their turn
        return hits

    async def _raise(self, uow: UnitOfWork, city: _City, hits: Iterable[Hit]) -> int:
        raised = 0
        for rule, hit in hits:
            await self._know(uow, city, {hit.camera_id})
            muted = await self._muted(uow, city, hit)
            raised += (await self.alerts.raise_alert(uow, occurrence(rule, hit, city.cameras[hit.camera_id], muted))).is_new
        return raised

    async def _muted(self, uow: UnitOfWork, city: _City, hit: Sighting) -> datetime | None:
        return await self.maintenance.muted_until(uow, hit.camera_id, _groups(city, hit.camera_id), hit.captured_at)

    async def _know(self, uow: UnitOfWork, city: _City, camera_ids: Collection[UUID]) -> None:
        for camera_id in camera_ids:
            if camera_id not in city.cameras:
                city.cameras[camera_id] = await self.cameras(uow).camera(camera_id)


def _groups(city: _City, camera_id: UUID) -> frozenset[UUID]:
    camera = city.cameras.get(camera_id)
    return camera.groups if camera else frozenset()
