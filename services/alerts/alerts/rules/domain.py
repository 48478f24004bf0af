"""Rules, and the alerts that they raise. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from alerts.alerts.domain import KnownCamera, Occurrence
from gtvision.camera import ObjectClass
from gtvision.events import Severity, StoredDetection
from gtvision.rules import RuleCondition, Sighting

KIND = "rule"
"""`kind` of an alert that a rule raised."""
RULES_AT_MOST = 200
"""Of a city: each is compared with every detection."""
_THINGS = {
    ObjectClass.CAR: "carro",
    ObjectClass.MOTORCYCLE: "moto",
    ObjectClass.BUS: "ônibus",
    ObjectClass.TRUCK: "caminhão",
    ObjectClass.PERSON: "pessoa",
    ObjectClass.PLATE: "placa",
    ObjectClass.VEHICLE: "veículo",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a city wants to be told of. Hits of a camera closer than `cooldown_s` to the one before are one alert.

    `channel_ids` replaces the channels that are told first; None: as for every alert. `version` grows with each change.
    """

    rule_id: UUID
    tenant_id: UUID
    name: str
    enabled: bool
    severity: Severity
    condition: RuleCondition
    cooldown_s: int
    channel_ids: tuple[UUID, ...] | None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def cooldown(self) -> timedelta:
        return timedelta(seconds=self.cooldown_s)

    def is_within(self, groups: frozenset[UUID] | None, groups_of: Callable[[UUID], frozenset[UUID]]) -> bool:
        """Whether it is about cameras of these groups only; None: of all. `groups_of` tells those of a camera."""
        if groups is None:
            return True
        asked = self.condition
        if not (asked.camera_ids or asked.group_ids):
            return False
        return asked.group_ids <= groups and all(groups & groups_of(camera) for camera in asked.camera_ids)


@dataclass(frozen=True, slots=True)
class Version:
    """A rule as it was from `changed_at` on, and who made it so."""

    rule: Rule
    changed_by: UUID
    changed_at: datetime


def differences(before: Rule, after: Rule) -> str:
    """Returns the names of the fields that differ, for the audit record."""
    return ", ".join(each.name for each in fields(before) if getattr(before, each.name) != getattr(after, each.name))


def sighting_of(stored: StoredDetection) -> Sighting:
    return Sighting.of(stored.detection_id, stored.camera_id, stored.captured_at, stored.object, stored.evidence_key)


def told_of(hits: Iterable[Sighting], cooldown: timedelta) -> list[Sighting]:
    """Returns the first and the last hit of each camera and alert: those between would only be counted, at the price of a query each."""
    told: list[Sighting] = []
    cameras: dict[UUID, list[Sighting]] = {}
    for hit in hits:
        group = cameras.setdefault(hit.camera_id, [])
        if group and hit.at - group[-1].at >= cooldown.total_seconds():
            told += dict.fromkeys((group[0], group[-1]))
            group.clear()
        group.append(hit)
    for group in cameras.values():
        told += dict.fromkeys((group[0], group[-1]))
    return sorted(told, key=lambda hit: hit.at)


def occurrence(rule: Rule, hit: Sighting, camera: KnownCamera | None, muted_until: datetime | None) -> Occurrence:
    """The hit of a rule as the noun `alerts` takes it: one alert a rule and camera, within the cooldown."""
    thing = _THINGS[ObjectClass(hit.object_class)]
    return Occurrence(
        kind=KIND,
        subject=f"{rule.rule_id}/{hit.camera_id}",
        severity=rule.severity,
        title=f"Regra “{rule.name}”: {thing} em {camera.name if camera else 'câmera removida'}",
        at=hit.captured_at,
        cooldown=rule.cooldown,
        camera_id=hit.camera_id,
        plate=hit.plate,
        rule_id=rule.rule_id,
        detection_id=hit.detection_id,
        captured_at=hit.captured_at,
        evidence_key=hit.evidence_key,
        details={"Regra": rule.name, "Versão da regra": str(rule.version), "Objeto": thing},
        muted_until=muted_until,
    )
