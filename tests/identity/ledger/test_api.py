"""Tests of the ledger on real servers, from an event on RabbitMQ to the HTTP routes."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pytest
from tests.identity.ledger.ledgers import database_name
from tests.identity.running import Running

from chassis.bus import Publisher
from chassis.bus.publisher import event_message
from chassis.db import Database
from chassis.outbox import OutboxRelay
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.events import AuditRecorded, Event
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Role
from gtvision.time import SystemClock, isoformat
from identity.ledger.domain.searches import COLUMNS
from servers import Postgres

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.usefixtures("no_throttle_left")]

CLOCK = SystemClock()


async def until(
    running: Running, headers: dict[str, str], holds: Callable[[list[dict[str, Any]]], bool], **query: Any
) -> list[dict[str, Any]]:
    async with asyncio.timeout(240):
        while True:
            items = await search(running, headers, **query)
            if holds(items):
                return items
            await asyncio.sleep(0.1)


async def search(running: Running, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    answer = await running.http.get("/api/v1/audit", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def event(tenant_id: UUID, **data: Any) -> Event[AuditRecorded]:
    told = AuditRecorded(**{"action": "plate.searched", **data})
    return Event[AuditRecorded](type=AuditRecorded.key, occurred_at=CLOCK.now(), tenant_id=tenant_id, data=told)


async def tenant_of(running: Running, headers: dict[str, str]) -> UUID:
    return UUID((await running.http.get("/api/v1/users/me", headers=headers)).json()["tenant_id"])


async def listening(running: Running) -> dict[str, str]:
    """Returns an administrator's headers, once identity's queue exists: an event that is sent earlier reaches no queue."""
    headers = await running.as_admin()
    await until(running, headers, bool, action="session.opened")
    return headers


async def test_an_action_of_any_service_reaches_the_ledger_once(running: Running) -> None:
    """The entry comes through the outbox of its transaction, and is delivered twice and in another order."""
    headers = await listening(running)
    tenant_id = await tenant_of(running, headers)
    camera, marker = new_id(), str(new_id())
    who = Caller(tenant_id, new_id(), Role.OPERATOR, frozenset(ROLE_SCOPES[Role.OPERATOR]), new_id())
    async with Database(running.settings.db, CLOCK) as db, Publisher(running.settings.rabbit) as publisher:
        async with db.uow(tenant_id) as uow:
            record(uow, Action.RECORDING_VIEWED, who, AuditEntry("recording", marker, camera))
        relay = OutboxRelay(db, publisher, CLOCK)
        await relay.relay_once()
        events = [event(tenant_id, object_id=marker) for _ in range(50)]
        for each in (*events, *reversed(events)):
            await publisher.send(event_message(each))
    items = await until(running, headers, lambda found: len(found) == 51, object_id=marker, limit=200)
    assert {item["event_id"] for item in items} >= {str(each.event_id) for each in events}
    (viewed,) = await search(running, headers, camera_id=str(camera))
    assert (viewed["action"], viewed["actor_role"], viewed["object_id"]) == ("recording.viewed", "operator", marker)
    report = (await running.http.get("/api/v1/audit/verify", headers=headers)).json()
    assert (report["right"], report["finding"], report["next"]) == (True, None, None)
    assert report["rows"] >= 51


async def test_a_login_is_on_record_with_its_origin(running: Running) -> None:
    headers = await running.as_admin()
    found = await until(running, headers, bool, action="session.opened")
    assert found[0]["address"] == "127.0.0.1"
    assert found[0]["service"] == "identity"
    assert found[0]["actor_name"]


async def test_a_search_is_on_record(running: Running) -> None:
    headers = await running.as_admin()
    asked, purpose = str(new_id()), {"x-purpose": "inspection-12"}
    await running.http.get("/api/v1/audit", params={"actor_id": asked, "action": "hold.placed"}, headers=headers | purpose)
    found = await until(
        running, headers, lambda items: any(item["purpose"] == "inspection-12" for item in items), action="audit.searched", limit=200
    )
    (mine,) = [item for item in found if item["purpose"] == "inspection-12"]
    assert mine["details"] == {"form": "first page", "actor_id": asked, "actions": "hold.placed"}


async def test_pages_hold_every_entry_once(running: Running) -> None:
    headers = await listening(running)
    tenant_id, marker = await tenant_of(running, headers), str(new_id())
    async with Publisher(running.settings.rabbit) as publisher:
        for number in range(25):
            await publisher.send(event_message(event(tenant_id, object_id=marker, details={"n": str(number)})))
    await until(running, headers, lambda found: len(found) == 25, object_id=marker)
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        query: dict[str, str | int] = {"object_id": marker, "limit": 10, **({"cursor": cursor} if cursor else {})}
        page = (await running.http.get("/api/v1/audit", params=query, headers=headers)).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [int(item["details"]["n"]) for item in seen] == list(range(24, -1, -1))


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_an_export_holds_what_the_search_finds(running: Running, form: str) -> None:
    headers = await listening(running)
    tenant_id, marker = await tenant_of(running, headers), str(new_id())
    async with Publisher(running.settings.rabbit) as publisher:
        for number in range(3):
            told = event(tenant_id, object_id=marker, user_agent="=cmd|' /C calc'!A0", details={"n": str(number)})
            await publisher.send(event_message(told))
    entries = await until(running, headers, lambda found: len(found) == 3, object_id=marker)
    now = CLOCK.now()
    query = {"from": isoformat(now - timedelta(days=1)), "to": isoformat(now + timedelta(days=1)), "object_id": marker, "format": form}
    answer = await running.http.get("/api/v1/audit/export", params=query, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].endswith(f'.{form}"')
    if form == "json":
        assert [row["hash"] for row in answer.json()] == [entry["hash"] for entry in reversed(entries)]
    else:
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert list(rows[0]) == list(COLUMNS)
        assert [row["hash"] for row in rows] == [entry["hash"] for entry in reversed(entries)]
        assert {row["user_agent"] for row in rows} == {"'=cmd|' /C calc'!A0"}

    def mine(found: list[dict[str, Any]]) -> bool:
        return any((item["details"].get("form"), item["details"].get("object_id")) == (form, marker) for item in found)

    await until(running, headers, mine, action="audit.exported")


async def test_an_export_without_an_end_is_refused(running: Running) -> None:
    headers = await running.as_admin()
    for query in ({}, {"from": "2026-01-01T00:00:00Z"}):
        assert (await running.http.get("/api/v1/audit/export", params=query, headers=headers)).status_code == 422
    query = {"from": "2020-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    refused = await running.http.get("/api/v1/audit/export", params=query, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "range_too_long")


@pytest.mark.parametrize(
    "query",
    [
        {"action": "Not An Action"},
        {"actor_id": "x"},
        {"from": "2026-01-01"},
        {"from": "0001-01-01T00:00:00Z"},
        {"to": "9999-12-31T23:59:59.999999Z"},
        {"outcome": "maybe"},
        {"cursor": "x"},
        {"limit": 1_000},
    ],
)
async def test_what_cannot_be_looked_for_is_refused(running: Running, query: dict[str, Any]) -> None:
    answer = await running.http.get("/api/v1/audit", params=query, headers=await running.as_admin())
    assert answer.status_code == 422, answer.text


async def test_a_nul_finds_nothing_and_breaks_nothing(running: Running) -> None:
    assert await search(running, await running.as_admin(), object_id="\x00", address="\x00", purpose="\x00") == []


async def test_anchors_are_listed_with_their_key(running: Running) -> None:
    """The anchors are made by the loop of the running service."""
    headers = await running.as_admin()
    async with asyncio.timeout(240):
        while not (found := (await running.http.get("/api/v1/audit/anchors", headers=headers)).json()["items"]):
            await asyncio.sleep(0.2)
    assert found[0]["kind"] == "seal"
    assert len(found[0]["public_key"]) == 64
    copy = Path(unquote(urlsplit(running.settings.objects.url).path)) / found[0]["object_key"]
    async with asyncio.timeout(240):
        while not copy.exists():
            await asyncio.sleep(0.05)
    assert json.loads(copy.read_bytes())["signature"] == found[0]["signature"]


async def test_the_command_line_names_an_altered_row(running: Running, postgres: Postgres) -> None:
    """Runs `gtv audit verify` as gtv does, before and after a row was altered in PostgreSQL."""
    await listening(running)
    code, said = await verify(running)
    assert code == 0, said
    assert "right  Cidade" in said
    connection = await postgres.connect(database_name(running.settings.db))
    try:
        await connection.execute("SET search_path = identity; SET session_replication_role = replica")
        row = await connection.fetchrow(
            "SELECT tenant_id, seq, address FROM audit_entry WHERE action = 'session.opened' ORDER BY seq LIMIT 1"
        )
        assert row is not None
        alter = "UPDATE audit_entry SET address = $3 WHERE tenant_id = $1 AND seq = $2"
        await connection.execute(alter, row["tenant_id"], row["seq"], "203.0.113.66")
        code, said = await verify(running)
        await connection.execute(alter, *row)
    finally:
        await connection.close()
    assert code == 1
    assert "WRONG  Cidade" in said
    assert f"first wrong row: altered: row {row['seq']}, " in said
    assert (await verify(running))[0] == 0


async def verify(running: Running) -> tuple[int | None, str]:
    settings = running.settings
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": settings.db.url.get_secret_value(),
        "DATABASE_TIMEOUT_S": "60",
        "AUDIT_KEYS": settings.audit.keys.get_secret_value(),
        "OBJECTS_URL": settings.objects.url,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "identity", "audit", "verify"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    out, problems = await process.communicate()
    return process.returncode, out.decode() + problems.decode()


async def test_the_reader_learns_every_action(running: Running) -> None:
    headers = await running.as_admin()
    answer = await running.http.get("/api/v1/audit/actions", headers=headers)
    assert answer.json() == sorted(str(action) for action in Action)
    for action in answer.json():
        assert (await running.http.get("/api/v1/audit", params={"action": action}, headers=headers)).status_code == 200
