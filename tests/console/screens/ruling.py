"""Rules as their service keeps them, and a dry run of them, for the screens of rules: a stand-in in memory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.console.standins import Asked, Reply, Services, problem

from gtvision.camera import ObjectClass
from gtvision.ids import new_id
from gtvision.time import SystemClock, isoformat
from ingest.trials.api import DayOut, TrialOut, WouldBeOut

ANYTHING: dict[str, Any] = {
    "classes": [],
    "camera_ids": [],
    "group_ids": [],
    "min_confidence": 0.5,
    "zone": None,
    "line": None,
    "dwell_s": None,
    "count": None,
    "colours": [],
    "plate": None,
    "schedule": None,
}


def rule(name: str, *, enabled: bool = True, **condition: Any) -> dict[str, Any]:
    now = isoformat(SystemClock().now())
    return {
        "rule_id": str(new_id()),
        "name": name,
        "enabled": enabled,
        "severity": "warning",
        "version": 1,
        "condition": ANYTHING | condition,
        "cooldown_s": 60,
        "channel_ids": None,
        "created_at": now,
        "updated_at": now,
    }


def dry_run(camera_id: UUID, count: int, days: int = 7) -> TrialOut:
    """What the service answers of a rule that would have raised so many alerts, two a day."""
    now = SystemClock().now()
    times = [now - timedelta(hours=12 * place) for place in range(count)]
    dates = [(now - timedelta(days=day)).date() for day in reversed(range(days))]
    return TrialOut(
        total=count,
        alerts=[_would_be(at, camera_id) for at in times],
        by_day=[DayOut(date=each, count=sum(at.date() == each for at in times)) for each in dates],
        scanned=120_000,
        scanned_until=now,
        complete=True,
    )


def _would_be(at: datetime, camera_id: UUID) -> WouldBeOut:
    known: dict[str, Any] = {"at": at, "last_seen_at": at, "camera_id": camera_id, "detection_id": new_id()}
    return WouldBeOut(
        **known, sightings=2, object_class=ObjectClass.BUS, confidence=0.9, plate="ABC1D23", evidence=True, thumbnail_url=None
    )


class Rules:
    """Answers for `/rules` as long as the test lasts."""

    def __init__(self, services: Services, *rules: dict[str, Any]) -> None:
        self.rules = {each["rule_id"]: each for each in rules}
        services.answer("GET", "/maintenance/holidays", {"dates": [{"date": "2026-12-25", "name": "Natal"}]})
        services.answer("GET", "/rules", lambda _: {"items": list(self.rules.values()), "next": None})
        services.answer("GET", "/rules/*", lambda asked: self.rules.get(_id(asked)) or problem(404, "not_found"))
        services.answer("GET", "/rules/*/versions", self._versions)
        services.answer("POST", "/rules", self._make)
        services.answer("PATCH", "/rules/*", self._change)

    def only(self) -> dict[str, Any]:
        (found,) = self.rules.values()
        return found

    def _versions(self, asked: Asked) -> dict[str, Any]:
        now = self.rules[asked.path.split("/")[2]]
        version = {name: now[name] for name in ("version", "name", "enabled", "severity", "condition", "cooldown_s", "channel_ids")}
        return {"items": [version | {"changed_by": str(new_id()), "changed_at": now["updated_at"]}], "next": None}

    def _make(self, asked: Asked) -> Reply:
        made = rule("") | asked.body
        self.rules[made["rule_id"]] = made
        return Reply(201, made)

    def _change(self, asked: Asked) -> dict[str, Any]:
        before = self.rules[_id(asked)]
        self.rules[_id(asked)] = before | asked.body | {"version": before["version"] + ("condition" in asked.body)}
        return self.rules[_id(asked)]


def _id(asked: Asked) -> str:
    return asked.path.split("/")[2]
