"""Tests of a dry run on real servers: what is judged, what is shown, to whom, and what goes on record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.ingest.conftest import Running
from tests.ingest.making import detection
from tests.ledger import audit_entries

from gtvision.camera import ObjectClass
from gtvision.geometry import Box
from gtvision.ids import new_id
from gtvision.rules import RuleCondition
from gtvision.tenancy import Caller, Role, Scope
from gtvision.time import SystemClock, isoformat
from ingest.detections.domain import Detection
from ingest.detections.repository import PostgresDetections
from ingest.trials import usecases
from ingest.trials.domain import Trial
from ingest.trials.repository import PostgresHistory

pytestmark = [pytest.mark.db, pytest.mark.broker]
END = SystemClock().now().replace(microsecond=123_457)
BEGIN = END - timedelta(hours=1)


@pytest.fixture
def caller(running: Running) -> Caller:
    return running.mint.caller(Role.ADMIN, tenant_id=new_id())


def car(second: float, camera: UUID, y: float = 0.5, plate: str | None = None, kind: ObjectClass = ObjectClass.CAR) -> Detection:
    """Returns a detection whose foot point is in the middle of the picture at that height."""
    made = detection(BEGIN + timedelta(seconds=second), camera, plate)
    box = Box(x1=0.45, y1=y - 0.1, x2=0.55, y2=y)
    return replace(made, seen=made.seen.model_copy(update={"box": box, "object_class": kind}))


async def store(running: Running, caller: Caller, rows: Iterable[Detection]) -> None:
    async with running.db.uow(caller.tenant_id) as uow:
        stored = PostgresDetections(uow)
        await stored.make_days([BEGIN.date(), END.date()])  # the service's own upkeep may come later
        await stored.add(list(rows), END)


async def ask(running: Running, caller: Caller, condition: dict[str, Any], **more: Any) -> httpx.Response:
    body = {"condition": condition, "cooldown_s": 60, "from": isoformat(BEGIN), "to": isoformat(END)} | more.pop("body", {}) | more
    return await running.http.post("/api/v1/detections/dry-run", headers=running.mint.headers(caller), json=body)


async def told(running: Running, caller: Caller, condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await ask(running, caller, condition, **more)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_line_that_was_crossed_is_told_with_its_pictures_and_goes_on_record(running: Running, caller: Caller) -> None:
    camera = new_id()
    down = [car(second, camera, 0.3 + second * 0.1) for second in range(5)]
    up = [car(600 + second, camera, 0.8 - second * 0.1) for second in range(5)]
    await store(running, caller, [*down, *up, car(1, new_id(), 0.9)])
    line = {"camera_ids": [str(camera)], "line": {"a": [0, 0.55], "b": [1, 0.55], "direction": "a_to_b"}}
    found = await told(running, caller, line)
    assert (found["total"], found["complete"], found["scanned"], found["scanned_until"]) == (1, True, 10, isoformat(END))
    [alert] = found["alerts"]
    assert (alert["detection_id"], alert["at"]) == (str(down[3].detection_id), isoformat(down[3].captured_at))
    assert (alert["evidence"], alert["object_class"]) == (True, "car")
    assert sum(day["count"] for day in found["by_day"]) == 1
    [entry] = await audit_entries(running.db, caller.tenant_id)
    assert (entry.data.action, entry.camera_id, entry.data.details["alerts"]) == ("rule.tried", camera, "1")


async def test_sightings_within_the_cooldown_are_one_alert_and_the_newest_come_first(running: Running, caller: Caller) -> None:
    camera = new_id()
    await store(running, caller, [car(second, camera) for second in (0, 30, 60, 200, 1_000)] + [car(0, camera, kind=ObjectClass.PERSON)])
    found = await told(running, caller, {"classes": ["car"], "camera_ids": [str(camera)]})
    assert [each["sightings"] for each in found["alerts"]] == [1, 1, 3]
    assert found["alerts"][2]["last_seen_at"] == isoformat(BEGIN + timedelta(seconds=60))
    assert (await told(running, caller, {"classes": ["car"]}, cooldown_s=0))["total"] == 5


async def test_the_database_asks_as_the_judge_does(running: Running, caller: Caller) -> None:
    camera, at_the_rim = new_id(), 0.6
    await store(running, caller, [car(0, camera, 0.3), car(1, camera, at_the_rim, "ABC1D23"), car(200, camera, 0.9, "XYZ1D23")])
    zone = {"points": [[0.4, 0.4], [0.6, 0.4], [0.6, 0.601], [0.4, 0.601]]}
    for condition, total in (
        ({"zone": zone, "camera_ids": [str(camera)]}, 1),
        ({"plate": "none"}, 1),
        ({"plate": "any"}, 2),
        ({"plate": "ABC"}, 1),
        ({"min_confidence": 0.75}, 3),  # what is stored has the precision of a REAL
        ({"min_confidence": 0.76}, 0),
        ({"colours": ["red"]}, 0),
        ({"group_ids": [str(new_id())]}, 0),
        ({"camera_ids": [str(camera), str(new_id())], "dwell_s": 1}, 0),
    ):
        assert (await told(running, caller, condition, cooldown_s=0))["total"] == total, condition


async def test_slices_meet_without_a_gap(running: Running, caller: Caller) -> None:
    """Several detections of one instant lie on both sides of a border."""
    camera = new_id()
    rows = [replace(car(second, camera), detection_id=new_id()) for second in (0, 0, 0, 0, 0, 1, 1)]
    await store(running, caller, rows)
    async with running.db.uow(caller.tenant_id) as uow:
        history, seen, last = PostgresHistory(uow), [], None
        while found := await history.read(RuleCondition(), None, (BEGIN, END), last, 2):
            seen += [usecases.Sighting(*row) for row in found]
            last = seen[-1]
    assert sorted(each.detection_id for each in seen) == sorted(each.detection_id for each in rows)
    assert {each.captured_at for each in seen} == {each.captured_at for each in rows}


async def test_a_limited_caller_tries_only_the_cameras_of_its_groups(running: Running) -> None:
    tenant, camera = new_id(), new_id()
    limited = running.mint.caller(Role.ADMIN, tenant_id=tenant, groups=[new_id()])
    await store(running, limited, [car(0, camera)])
    for condition in ({}, {"camera_ids": [str(camera)]}):
        assert (await told(running, limited, condition))["total"] == 0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"from": isoformat(END), "to": isoformat(BEGIN)}, "before"),
        ({"from": isoformat(END - timedelta(days=32))}, "31 days"),
        ({"condition": {"zone": {"points": [[0, 0], [1, 0], [1, 1]]}}}, "exactly one camera"),
    ],
)
async def test_what_cannot_be_tried_is_said(running: Running, caller: Caller, more: dict[str, Any], says: str) -> None:
    answer = await ask(running, caller, {}, body=more)
    assert (answer.status_code, says in answer.text) == (422, True), answer.text


async def test_plates_are_looked_for_only_by_who_may_search_them(running: Running) -> None:
    scopes = frozenset({Scope.RULES_WRITE, Scope.DETECTIONS_READ})
    partner = running.mint.caller(Role.ADMIN, tenant_id=new_id(), scopes=scopes)
    assert (await ask(running, partner, {"plate": "ABC"})).status_code == 403
    assert (await ask(running, partner, {"plate": "none"})).status_code == 200
    reader = running.mint.caller(Role.OPERATOR, tenant_id=new_id())
    assert (await ask(running, reader, {})).status_code == 403


def test_a_trial_counts_all_and_lists_the_newest() -> None:
    trial = Trial(RuleCondition(), timedelta(0), BEGIN, END)
    tally = usecases.Tally(trial, UTC)
    camera = new_id()
    tally.add([(new_id(), camera, BEGIN.timestamp() + second) for second in range(500)])
    cut = tally.outcome(BEGIN.timestamp() + 499)
    assert (cut.total, len(cut.alerts), cut.complete) == (500, 200, False)
    assert cut.scanned_until == datetime.fromtimestamp(BEGIN.timestamp() + 499, UTC)
