"""Tests of holds over HTTP, and of their audit entries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.ledger import audit_entries, emitted
from tests.streaming.conftest import CLOCK, Running, announce, registered

from chassis.envelope import wrap
from gtvision.events import CameraRemoved, HoldLifted, HoldPlaced
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role

pytestmark = [pytest.mark.db, pytest.mark.broker]

SPAN = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
REASON = "Inquérito 12/2026"


class City:
    """A tenant with a camera in a group, and people."""

    def __init__(self, running: Running) -> None:
        self.running, self.tenant, self.camera, self.group = running, new_id(), new_id(), new_id()
        self.admin = running.mint.caller(Role.ADMIN, tenant_id=self.tenant)

    def caller(self, role: Role, **options: Any) -> Caller:
        return self.running.mint.caller(role, tenant_id=self.tenant, **options)

    async def ask(self, method: str, path: str, caller: Caller | None = None, **options: Any) -> httpx.Response:
        headers = self.running.mint.headers(caller or self.admin) | options.pop("headers", {})
        return await self.running.http.request(method, path, headers=headers, **options)

    async def place(self, camera: UUID | None, caller: Caller | None = None, **changes: Any) -> httpx.Response:
        body = SPAN | {"camera_id": str(camera) if camera else None, "reason": REASON} | changes
        return await self.ask("POST", "/holds", caller, json=body, headers=changes.pop("headers", {}))


@pytest.fixture
async def city(running: Running) -> City:
    made = City(running)
    await announce(running, registered(running, made.tenant, made.camera, groups=(made.group,)))
    return made


async def test_a_hold_is_placed_listed_and_lifted(city: City) -> None:
    until = (CLOCK.now() + timedelta(days=30)).isoformat().replace("+00:00", "Z")
    answer = await city.place(city.camera, until=until)
    assert answer.status_code == 201, answer.text
    hold = answer.json()
    assert {name: hold[name] for name in ("camera_id", "from", "to", "reason", "placed_by", "until", "lifted_by", "lifted_at")} == {
        "camera_id": str(city.camera),
        **SPAN,
        "reason": REASON,
        "placed_by": str(city.admin.user_id),
        "until": until,
        "lifted_by": None,
        "lifted_at": None,
    }
    of_all = (await city.place(None)).json()
    operator = city.caller(Role.OPERATOR)
    assert (await city.ask("GET", "/holds", operator)).json()["items"] == [of_all, hold]
    assert (await city.ask("GET", f"/holds/{hold['hold_id']}", operator)).json() == hold

    answer = await city.ask("POST", f"/holds/{hold['hold_id']}/lift", json={"reason": "Arquivado"})
    assert answer.status_code == 200, answer.text
    lifted = answer.json()
    assert (lifted["lifted_by"], lifted["lift_reason"]) == (str(city.admin.user_id), "Arquivado")
    assert lifted["lifted_at"] >= hold["placed_at"]
    assert (await city.ask("GET", "/holds?active=true")).json()["items"] == [of_all]
    assert (await city.ask("GET", "/holds?active=false")).json()["items"] == [lifted]
    again = await city.ask("POST", f"/holds/{hold['hold_id']}/lift", json={"reason": "Arquivado"})
    assert (again.status_code, again.json()["code"]) == (409, "hold_ended")

    placed, placed_of_all, ended = (record.data for record in await audit_entries(city.running.db, city.tenant))
    assert [placed.action, placed_of_all.action, ended.action] == ["hold.placed", "hold.placed", "hold.lifted"]
    assert (placed.object_kind, placed.object_id, placed.actor_id) == ("hold", hold["hold_id"], city.admin.user_id)
    assert (placed.details, ended.details) == ({"reason": REASON, "until": until}, {"reason": "Arquivado", "until": until})
    assert placed_of_all.range_from is not None
    assert placed_of_all.range_from.isoformat() == "2026-01-01T00:00:00+00:00"


async def test_placing_and_lifting_are_announced(city: City) -> None:
    hold = (await city.place(city.camera)).json()
    await city.ask("POST", f"/holds/{hold['hold_id']}/lift", json={"reason": "Arquivado"})
    [placed] = [event.data for event in await emitted(city.running.db, city.tenant, HoldPlaced)]
    [lifted] = [event.data for event in await emitted(city.running.db, city.tenant, HoldLifted)]
    assert (str(placed.hold_id), placed.camera_id, placed.until) == (hold["hold_id"], city.camera, None)
    assert (placed.range_from, placed.range_to) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    assert lifted.model_dump(exclude={"lifted_at"}) == placed.model_dump()


async def test_a_hold_of_a_removed_camera_is_taken(city: City) -> None:
    removed = CameraRemoved(camera_id=city.camera, revision=2)
    await city.running.events.on_camera_removed(wrap(removed, tenant_id=city.tenant, occurred_at=CLOCK.now()))
    hold = await city.place(city.camera)
    assert hold.status_code == 201
    within, other = (city.caller(Role.OPERATOR, groups=[group]) for group in (city.group, new_id()))
    assert (await city.ask("GET", "/holds", within)).json()["items"] == [hold.json()], "whoever may see the camera sees what holds it"
    assert (await city.ask("GET", "/holds", other)).json()["items"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"from": SPAN["to"], "to": SPAN["from"]},
        {"to": SPAN["from"]},
        {"reason": "ab"},
        {"reason": "  a  "},
        {"reason": "a" * 501},
        {"reason": "abc\0"},
        {"reason": None},
        {"until": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00"},
        {"holder": "x"},
    ],
    ids="-".join,
)
async def test_what_makes_no_sense_is_refused(city: City, changes: dict[str, Any]) -> None:
    answer = await city.place(city.camera, **changes)
    assert answer.status_code == 422, answer.text
    assert await audit_entries(city.running.db, city.tenant) == []


async def test_a_hold_that_is_sent_again_is_placed_once(city: City) -> None:
    key = {"idempotency-key": str(new_id())}
    body = SPAN | {"camera_id": str(city.camera), "reason": REASON}
    first, second = [await city.ask("POST", "/holds", json=body, headers=key) for _ in range(2)]
    assert (first.json(), second.headers["idempotency-replayed"]) == (second.json(), "true")
    assert len((await city.ask("GET", "/holds")).json()["items"]) == 1


async def test_pages_go_on_where_the_last_ended(city: City) -> None:
    placed = [(await city.place(city.camera, reason=f"Caso {number}")).json()["hold_id"] for number in range(5)]
    found: list[str] = []
    cursor = None
    while cursor is not None or not found:
        page = (await city.ask("GET", "/holds", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        found += [hold["hold_id"] for hold in page["items"]]
        cursor = page["next"]
    assert found == placed[::-1]


async def test_who_may_do_what(city: City) -> None:
    hold = (await city.place(city.camera)).json()
    of_all = (await city.place(None)).json()
    for role, reads in ((Role.OPERATOR, 200), (Role.VIEWER, 403), (Role.PARTNER, 403)):
        caller = city.caller(role)
        assert (await city.ask("GET", "/holds", caller)).status_code == reads
        assert (await city.place(city.camera, caller)).status_code == 403
        assert (await city.ask("POST", f"/holds/{hold['hold_id']}/lift", caller, json={"reason": "Arquivado"})).status_code == 403
    limited = city.caller(Role.ADMIN, groups=[new_id()])
    assert (await city.ask("GET", "/holds", limited)).json()["items"] == [of_all]
    assert (await city.ask("GET", f"/holds/{hold['hold_id']}", limited)).status_code == 404
    assert (await city.place(city.camera, limited)).status_code == 404
    assert (await city.place(None, limited)).status_code == 403
    for each, status in ((hold, 404), (of_all, 403)):
        lift = await city.ask("POST", f"/holds/{each['hold_id']}/lift", limited, json={"reason": "Arquivado"})
        assert lift.status_code == status
    inside = city.caller(Role.ADMIN, groups=[city.group])
    assert len((await city.ask("GET", "/holds", inside)).json()["items"]) == 2


async def test_another_city_finds_nothing(city: City) -> None:
    hold = (await city.place(city.camera)).json()
    stranger = city.running.mint.caller(Role.ADMIN, tenant_id=new_id())
    assert (await city.ask("GET", "/holds", stranger)).json()["items"] == []
    assert (await city.ask("GET", f"/holds/{hold['hold_id']}", stranger)).status_code == 404
    assert (await city.ask("POST", f"/holds/{hold['hold_id']}/lift", stranger, json={"reason": "Arquivado"})).status_code == 404
    assert (await city.place(city.camera, stranger)).status_code == 404
    params = {"camera_id": str(city.camera)}
    assert (await city.ask("GET", "/recordings/tombstones", stranger, params=params)).status_code == 404
    assert (await city.ask("GET", "/recordings/tombstones", params=params)).json() == {"items": [], "next": None}
