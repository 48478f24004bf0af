"""Tests that data of one tenant does not exist for another: every route, called with the ids of another tenant.

The six services run together on real servers, so that the ids are real: a camera that is registered in one is known to all, and a
detection becomes an alert. A new route with ids fails here until `belongings` makes its id and `BODIES` has its body.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from PIL import Image
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tests.contracts.services import SERVICES, accesses, build, environment
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.routes import Access

from chassis.bus import EventPublisher, Publisher
from chassis.db import Database
from chassis.envelope import Links
from chassis.settings import DatabaseSettings, RabbitSettings, RedisSettings
from gtvision.camera import ObjectClass
from gtvision.detection import DetectedObject, PlateCandidate
from gtvision.events import DetectionMade
from gtvision.geometry import Box
from gtvision.ids import derived_id, new_id
from gtvision.time import SystemClock, isoformat
from streaming.archive.domain import Restore, RestoreState
from streaming.archive.repository import PostgresRestores
from streaming.timeline.repository import PostgresOpenFiles

pytestmark = [pytest.mark.db, pytest.mark.broker]

PLATE = "RTN5F27"
WITH_TABLES = tuple(name for name in SERVICES if name != "ai-detect")
PASSWORD = "telhado-verde-de-zinco"
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/api/v1/alerts/{alert_id}/comments"): {"text": "visto"},
    ("PUT", "/api/v1/alerts/{alert_id}/assignee"): {"user_id": None},
    ("PUT", "/api/v1/alerts/{alert_id}/snooze"): {"until": None},
    ("PUT", "/api/v1/tenants/{tenant_id}/settings"): {"display_name": "Minha agora"},
    ("PATCH", "/api/v1/tenants/{tenant_id}/settings"): {"display_name": "Minha agora"},
    ("PATCH", "/api/v1/tenants/{tenant_id}"): {"name": "Minha agora"},
    ("PATCH", "/api/v1/users/{user_id}"): {"disabled": True},
    ("PATCH", "/api/v1/cameras/{camera_id}"): {"name": "Minha agora"},
    ("PATCH", "/api/v1/groups/{group_id}"): {"name": "Minha agora"},
    ("PUT", "/api/v1/layouts/{layout_id}"): {"name": "Minha agora", "tiles": 4},
    ("POST", "/api/v1/watchlists/{watchlist_id}/entries"): {"plate": "ABC1D23"},
    ("PATCH", "/api/v1/watchlists/{watchlist_id}"): {"name": "Minha agora"},
    ("PATCH", "/api/v1/watchlists/{watchlist_id}/entries/{entry_id}"): {"reason": "Minha agora"},
    ("PATCH", "/api/v1/maintenance/{window_id}"): {"name": "Minha agora"},
    ("PATCH", "/api/v1/channels/{channel_id}"): {"name": "Minha agora"},
    ("PATCH", "/api/v1/rules/{rule_id}"): {"name": "Minha agora"},
    ("PATCH", "/api/v1/escalation/policies/{policy_id}"): {"name": "Minha agora"},
    ("PATCH", "/api/v1/escalation/groups/{on_call_id}"): {"name": "Minha agora"},
    ("POST", "/api/v1/holds/{hold_id}/lift"): {"reason": "Minha agora"},
}
LIST_ONLY = {"/api/v1/plates/{plate}"}
"""Paths whose parameter is no id: every tenant may ask for any plate, and finds its own detections."""

LEDGER = "/api/v1/audit"
"""The audit ledger shows a tenant its own entries, so the id of another tenant's camera appears there once it was asked for."""


@dataclass
class Platform:
    """The running services, with the administrators of two tenants."""

    clients: dict[str, httpx.AsyncClient]
    routes: list[tuple[str, Access]]
    queries: dict[tuple[str, str], set[str]]
    """Route -> names of its query parameters."""
    owner: dict[str, str]
    stranger: dict[str, str]
    belongings: dict[str, str]

    async def ask(self, service: str, access: Access, headers: dict[str, str]) -> httpx.Response:
        known = self.belongings
        query = {name: value for name, value in known.items() if name in self.queries[access.method, access.path]}
        return await self.clients[service].request(
            access.method,
            access.path.format_map(known),  # on a KeyError: add the new id to `belongings`
            params=query,
            json=BODIES.get((access.method, access.path)),
            headers=headers,
        )

    def secrets(self, path: str) -> list[str]:
        """Returns the owner's ids, none of which may be in the stranger's answer at that path."""
        asked = {"camera_id"} if path.startswith(LEDGER) else set()
        return [value for name, value in self.belongings.items() if name.endswith("_id") and name not in asked]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(
    database_for: DatabaseFor, rabbitmq: RabbitSettings, redis_state: RedisSettings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    shared = {
        "RABBITMQ_URL": rabbitmq.url.get_secret_value(),
        "REDIS_CACHE_URL": redis_state.cache_url.get_secret_value(),
        "REDIS_STATE_URL": redis_state.state_url.get_secret_value(),
    }
    async with AsyncExitStack() as stack:
        clients, routes, queries, databases = {}, [], {}, {}
        first = environment("identity", tmp_path_factory.mktemp("objects"), **shared)
        for name in ("identity", *(other for other in SERVICES if other != "identity")):
            env = first | {"SERVICE_NAME": name}
            if name in WITH_TABLES:
                databases[name] = await database_for(name.replace("-", "_"))
                env["DATABASE_URL"] = databases[name].url.get_secret_value()
            if name == "identity":
                await found_tenants(env)
            service = build(name, env)
            await stack.enter_async_context(service.started())
            transport = httpx.ASGITransport(app=service.api)
            clients[name] = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=f"http://{name}"))
            routes += [(name, access) for access in accesses(service) if not access.public]
            for path, operations in service.api.openapi()["paths"].items():
                for method, operation in operations.items():
                    queries[method.upper(), path] = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        owner, stranger = await log_in(clients["identity"], "owner"), await log_in(clients["identity"], "stranger")
        made = await belongings(clients, owner, rabbitmq)
        made["clip_id"] = await a_clip(databases["streaming"], clients["streaming"], owner, made)
        made["restore_id"] = await a_restore(databases["streaming"], made)
        yield Platform(clients, routes, queries, owner, stranger, made)


async def found_tenants(env: dict[str, str]) -> None:
    """Creates both tenants by the command line, as an operator does."""
    for tenant in ("owner", "stranger"):
        wanted = {"tenant": f"Cidade {tenant}", "admin_email": f"{tenant}@cidade.example", "admin_password": PASSWORD}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "identity", "bootstrap"),
            env=env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate(json.dumps(wanted).encode())
        assert process.returncode == 0, said.decode()


async def log_in(http: httpx.AsyncClient, tenant: str) -> dict[str, str]:
    answer = await http.post("/api/v1/auth/login", json={"email": f"{tenant}@cidade.example", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def belongings(clients: dict[str, httpx.AsyncClient], owner: dict[str, str], rabbitmq: RabbitSettings) -> dict[str, str]:
    """Makes one object of every kind for the owner, through the API and by events, and returns the ids."""

    async def post(service: str, path: str, body: dict[str, Any]) -> Any:
        answer = await clients[service].post(f"/api/v1{path}", json=body, headers=owner)
        assert answer.is_success, answer.text
        return answer.json()

    async def get(service: str, path: str, **query: str) -> httpx.Response:
        return await clients[service].get(f"/api/v1{path}", params=query, headers=owner)

    now = SystemClock().now()
    made = {"plate": PLATE, "from": isoformat(now - timedelta(hours=1)), "to": isoformat(now + timedelta(hours=1))}
    user = {"email": "colega@cidade.example", "password": PASSWORD, "role": "viewer"}
    made["user_id"] = (await post("identity", "/users", user))["id"]
    made["session_id"] = (await get("identity", "/sessions")).json()["items"][0]["id"]
    key = {"name": "Estacionamento", "scopes": ["cameras:read"]}
    made["key_id"] = (await post("identity", "/api-keys", key))["id"]
    made["tenant_id"] = (await get("identity", "/users/me")).json()["tenant_id"]
    logo = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(logo, "PNG")
    stored = await clients["identity"].put(f"/api/v1/tenants/{made['tenant_id']}/logo", content=logo.getvalue(), headers=owner)
    assert stored.status_code == 204, stored.text
    watchlist = await post("alerts", "/watchlists", {"name": "Procurados"})
    made["watchlist_id"] = watchlist["watchlist_id"]
    made["entry_id"] = (await post("alerts", f"/watchlists/{made['watchlist_id']}/entries", {"plate": PLATE}))["entry_id"]
    planned = {"name": "Obra", "starts_at": made["to"], "ends_at": isoformat(now + timedelta(hours=2))}
    made["window_id"] = (await post("alerts", "/maintenance", planned))["window_id"]
    slack = {"kind": "slack", "name": "Central", "secrets": {"webhook_url": "https://hooks.slack.com/services/T/B/x"}}
    made["channel_id"] = (await post("alerts", "/channels", slack))["channel_id"]
    sent = await clients["alerts"].post(f"/api/v1/watchlists/{made['watchlist_id']}/import", content=f"placa\n{PLATE}", headers=owner)
    made["import_id"] = sent.json()["import_id"]
    made["rule_id"] = (await post("alerts", "/rules", {"name": "Carros", "condition": {"classes": ["car"]}}))["rule_id"]
    policy = {"name": "Padrão", "steps": [{"after_min": 0, "channel_ids": [made["channel_id"]]}]}
    made["policy_id"] = (await post("alerts", "/escalation/policies", policy))["policy_id"]
    member = {"name": "Ana", "reach": [{"channel_id": made["channel_id"]}]}
    on_call = {"name": "Plantão", "members": [member], "rotation": {"starts_on": "2026-05-04"}}
    made["on_call_id"] = (await post("alerts", "/escalation/groups", on_call))["group_id"]
    camera = (await post("cameras", "/cameras", {"name": "Praça", "url": "rtsp://admin:segredo@10.9.8.7/stream1"}))["id"]
    made["camera_id"] = camera
    made["layout_id"] = (await post("cameras", "/layouts", {"name": "Centro", "tiles": 1, "cameras": [camera]}))["id"]
    made["group_id"] = (await post("cameras", "/groups", {"name": "Centro"}))["id"]

    async def camera_is_known() -> bool:
        return (await get("streaming", f"/streams/{camera}")).status_code == 200

    await until(camera_is_known)
    span = {"from": made["from"], "to": isoformat(now)}
    made["hold_id"] = (await post("streaming", "/holds", span | {"camera_id": camera, "reason": "Ofício 812/2026"}))["hold_id"]
    me = (await get("identity", "/users/me")).json()
    captured_at = now - timedelta(seconds=1)
    plate = PlateCandidate(text=PLATE, confidence=0.99)
    box = Box(x1=0.1, y1=0.1, x2=0.4, y2=0.4)
    seen = DetectedObject(object_class=ObjectClass.PLATE, confidence=0.99, box=box, plate=plate, plate_box=box)
    detection = DetectionMade(
        camera_id=camera,
        captured_at=captured_at,
        arrived_at=now,
        width_px=1280,
        height_px=720,
        objects=(seen,),
        provider="cpu",
        model="test",
    )

    async def alert_is_raised() -> bool:
        """Sends the detection again, which is the same one each time, until the services know the camera and an alert is raised."""
        links = Links(event_id=derived_id("detection", detection.camera_id, captured_at.isoformat()))
        await publisher.publish(detection, tenant_id=me["tenant_id"], camera_id=detection.camera_id, links=links)
        return bool((await get("alerts", "/alerts")).json()["items"])

    async with Publisher(rabbitmq, "test") as sender:
        publisher = EventPublisher(sender, SystemClock())
        await until(alert_is_raised)
    made["alert_id"] = (await get("alerts", "/alerts")).json()["items"][0]["alert_id"]
    made["delivery_id"] = (await get("alerts", "/deliveries")).json()["items"][0]["delivery_id"]
    found = (await get("ingest", f"/plates/{PLATE}")).json()["items"][0]
    return made | {"detection_id": found["detection_id"], "captured_at": found["captured_at"]}


async def a_clip(settings: DatabaseSettings, http: httpx.AsyncClient, owner: dict[str, str], made: dict[str, str]) -> str:
    """Has a clip made of the camera's recording, which the recorder agent would have found."""
    now, camera = SystemClock().now(), UUID(made["camera_id"])
    async with Database(settings, SystemClock()) as db, db.uow(UUID(made["tenant_id"])) as uow:
        await PostgresOpenFiles(uow).put({camera: (f"cam_{camera}/x.mp4", now - timedelta(minutes=1), now)})
    body = {"camera_id": made["camera_id"], "from": made["from"], "to": made["to"], "name": "Praça"}
    answer = await http.post("/api/v1/recordings/clips", json=body, headers=owner)
    assert answer.status_code == 202, answer.text
    found: str = answer.json()["clip_id"]
    return found


async def a_restore(settings: DatabaseSettings, made: dict[str, str]) -> str:
    """Stores a wish for a range of the camera's off-site copies, of which there are none here."""
    now, restore_id = SystemClock().now(), new_id()
    job = Restore(
        restore_id=restore_id,
        tenant_id=UUID(made["tenant_id"]),
        camera_id=UUID(made["camera_id"]),
        since=now - timedelta(hours=1),
        until=now,
        requested_by=new_id(),
        requested_at=now,
        keep_until=now + timedelta(days=1),
        state=RestoreState.QUEUED,
        total=1,
    )
    async with Database(settings, SystemClock()) as db, db.uow(job.tenant_id) as uow:
        await PostgresRestores(uow).add(job)
    return str(restore_id)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(600):
        while not await holds():
            await asyncio.sleep(0.2)


@contextmanager
def without_our_filters() -> Iterator[list[str]]:
    """Removes `tenant_id = ...` from every statement inside the block, which leaves the policies alone; yields the changed statements."""
    changed: list[str] = []

    def strip(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        # the parameter stays, in a condition that is always true
        stripped = re.sub(r"\b(?:\w+\.)*tenant_id = (\$\d+)(?:::UUID)?", r"\1::UUID IS NOT NULL", statement)
        if stripped != statement:
            changed.append(statement)
        return stripped, parameters

    event.listen(Engine, "before_cursor_execute", strip, retval=True)
    try:
        yield changed
    finally:
        event.remove(Engine, "before_cursor_execute", strip)


async def test_what_belongs_to_another_tenant_does_not_exist(platform: Platform) -> None:
    await nothing_foreign_exists(platform)


async def test_lists_and_searches_show_nothing_of_another_tenant(platform: Platform) -> None:
    await nothing_foreign_is_shown(platform)


async def test_without_our_own_filters_the_policies_still_hold(platform: Platform) -> None:
    """Hot reads, which do not go through SQLAlchemy, and the other tables are tested in test_row_security.py."""
    with without_our_filters() as changed:
        await nothing_foreign_exists(platform)
        await nothing_foreign_is_shown(platform)
    found = {name for each in changed for name in re.findall(r"FROM (?:\w+\.)?(\w+)", each)}
    assert found >= {"camera", "watchlists", "watchlist_entries", "alerts", "cameras"}


async def nothing_foreign_exists(platform: Platform) -> None:
    tried = 0
    for service, access in platform.routes:
        if "{" not in access.path or access.path in LIST_ONLY:
            continue
        answer = await platform.ask(service, access, platform.stranger)
        assert answer.status_code == 404, f"{access.method} {access.path}: {answer.status_code} {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "not_found", f"{access.method} {access.path}: {answer.text}"
        tried += 1
    assert tried >= 10


async def nothing_foreign_is_shown(platform: Platform) -> None:
    for service, access in platform.routes:
        if access.method == "GET":
            answer = await platform.ask(service, access, platform.stranger)
            assert answer.status_code < 500, f"{access.path}: {answer.text}"
            shown = [value for value in platform.secrets(access.path) if value in answer.text]
            assert not shown, f"{access.path} shows {shown}"


async def test_the_owner_finds_it_all(platform: Platform) -> None:
    """The owner gets what was refused to the stranger, and the stranger's attempts have changed none of it."""
    for service, access in platform.routes:
        if access.method == "GET" and "{" in access.path and not access.path.endswith(("/evidence", "/thumbnail", "/download")):
            answer = await platform.ask(service, access, platform.owner)
            assert answer.status_code in {200, 307}, f"{access.path}: {answer.text}"
    camera = (await platform.clients["cameras"].get(f"/api/v1/cameras/{platform.belongings['camera_id']}", headers=platform.owner)).json()
    assert camera["name"] == "Praça"
    watchlist = f"/api/v1/watchlists/{platform.belongings['watchlist_id']}"
    assert (await platform.clients["alerts"].get(watchlist, headers=platform.owner)).json()["name"] == "Procurados"
    alerts = (await platform.clients["alerts"].get("/api/v1/alerts", headers=platform.owner)).json()["items"]
    assert [alert["state"] for alert in alerts if alert["alert_id"] == platform.belongings["alert_id"]] == ["open"]


async def test_no_answer_shows_credentials(platform: Platform) -> None:
    for service, access in platform.routes:
        if access.method == "GET":
            for headers in (platform.owner, platform.stranger):
                assert "segredo" not in (await platform.ask(service, access, headers)).text, access.path


async def test_audit_entries_of_every_service_reach_the_ledger_of_their_own_tenant(platform: Platform) -> None:
    """Each audit entry passes outbox, broker and chain, and is in the ledger once, with its actor and service."""
    camera, span = platform.belongings["camera_id"], {name: platform.belongings[name] for name in ("from", "to")}
    correlation = new_id()
    asked = platform.owner | {"x-correlation-id": str(correlation), "x-purpose": "crime"}
    for service, method, path, params in (
        ("ingest", "GET", f"/plates/{PLATE}", span),
        ("streaming", "GET", "/recordings", span | {"camera_id": camera}),
        ("alerts", "POST", f"/alerts/{platform.belongings['alert_id']}/acknowledge", {}),
        ("cameras", "DELETE", f"/cameras/{camera}", {}),
    ):
        answer = await platform.clients[service].request(method, f"/api/v1{path}", params=params, headers=asked)
        assert answer.is_success, answer.text
    caused: list[dict[str, Any]] = []

    async def on_record() -> bool:
        answer = await platform.clients["identity"].get(LEDGER, params={"correlation_id": str(correlation)}, headers=platform.owner)
        caused[:] = answer.json()["items"]
        return len(caused) >= 4

    await until(on_record)
    assert {(each["service"], each["action"]) for each in caused} == {
        ("ingest", "plate.searched"),
        ("streaming", "recordings.listed"),
        ("alerts", "alert.acknowledged"),
        ("cameras", "camera.removed"),
    }
    assert {(each["tenant_id"], each["session_id"], each["purpose"]) for each in caused} == {
        (platform.belongings["tenant_id"], platform.belongings["session_id"], "crime")
    }
    others = await platform.clients["identity"].get(LEDGER, params={"correlation_id": str(correlation)}, headers=platform.stranger)
    assert others.json()["items"] == []
