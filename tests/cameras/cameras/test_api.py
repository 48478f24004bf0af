"""The whole service on real servers, through its HTTP API and through the broker."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

import httpx
import pytest
from tests.cameras.conftest import PATH, Running, code
from tests.fixtures.routes import route_access

from chassis.envelope import wrap
from chassis.live import LiveBus
from chassis.redis import connect_redis
from gtvision.events import CameraRegistered, CameraRemoved, CameraUpdated, StreamWentOnline
from gtvision.ids import new_id
from gtvision.tenancy import Role
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def test_a_camera_from_registration_to_removal(running: Running, capfd: pytest.CaptureFixture[str]) -> None:
    headers = running.mint.headers()
    made = await running.new(headers)
    assert made.status_code == 201
    camera = made.json()
    path = f"{PATH}/{camera['id']}"
    assert (made.headers["location"], made.headers["etag"]) == (path, '"1"')
    assert camera["url"] == "rtsp://10.0.0.5:554/s?channel=1"
    assert (camera["state"], camera["since"], camera["revision"]) == ("unknown", None, 1)
    told = await running.hears(CameraRegistered, camera["id"])
    assert told.url_encrypted.startswith("v1.")
    assert (await running.http.get(path, headers=headers)).json() == camera
    renamed = await running.http.patch(path, json={"name": "Rua", "ai": {"fps": 2}}, headers=headers | {"if-match": '"1"'})
    assert (renamed.status_code, renamed.headers["etag"], renamed.json()["ai"]["fps"]) == (200, '"2"', 2)
    assert code(await running.http.patch(path, json={"name": "Largo"}, headers=headers | {"if-match": '"1"'})) == (412, "stale_revision")
    assert code(await running.http.delete(path, headers=headers | {"if-match": '"1"'})) == (412, "stale_revision")
    assert code(await running.http.delete(path, headers=headers | {"if-match": "x"})) == (422, "invalid")
    assert (await running.hears(CameraUpdated, camera["id"])).name == "Rua"
    assert (await running.http.delete(path, headers=headers)).status_code == 204
    assert (await running.hears(CameraRemoved, camera["id"])).revision == 3
    assert code(await running.http.get(path, headers=headers)) == (404, "not_found")
    everything = made.text + renamed.text + "".join(event.model_dump_json() for event in running.heard) + "".join(capfd.readouterr())
    assert "hunter2" not in everything


async def test_the_same_external_id_is_the_same_camera(running: Running) -> None:
    headers = running.mint.headers()
    first, again = await running.new(headers, external_id="ext-1"), await running.new(headers, external_id="ext-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert code(await running.new(headers, external_id="ext-1", name="Other")) == (409, "external_id_taken")
    found = (await running.http.get(PATH, params={"external_id": "ext-1"}, headers=headers)).json()
    assert [camera["id"] for camera in found["items"]] == [first.json()["id"]]


async def test_a_key_makes_one_camera_whatever_its_external_id(running: Running) -> None:
    for more in ({}, {"external_id": "ext-2"}):
        headers = running.mint.headers() | {"idempotency-key": str(new_id())}
        made, again = [await running.new(headers, **more) for _ in range(2)]
        assert (made.status_code, again.status_code) == (201, 201)
        assert ("idempotency-replayed" in made.headers, again.headers["idempotency-replayed"]) == (False, "true")
        assert again.json() == made.json()
        assert {name: again.headers[name] for name in ("location", "etag")} == {name: made.headers[name] for name in ("location", "etag")}
        assert code(await running.new(headers, **more, url="rtsp://10.0.0.6/other")) == (422, "idempotency_key_reused")


async def test_a_tenant_has_no_more_cameras_than_its_quota(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller(tenant_id=running.small_city))
    made = await running.new(headers, external_id="ext-1")
    assert made.status_code == 201
    assert (await running.new(headers, external_id="ext-1")).status_code == 200
    refused = await running.new(headers)
    assert code(refused) == (409, "quota_reached")
    assert "quotas.cameras" in refused.json()["detail"]
    assert (await running.http.delete(f"{PATH}/{made.json()['id']}", headers=headers)).status_code == 204
    assert (await running.new(headers)).status_code == 201


async def test_pages_by_cursor(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller(tenant_id=new_id()))
    made = {(await running.new(headers, name=f"C{n}")).json()["id"] for n in range(5)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await running.http.get(PATH, params={"limit": 2} | ({"cursor": cursor} if cursor else {}), headers=headers)).json()
        seen += [camera["id"] for camera in page["items"]]
        if not (cursor := page["next"]):
            break
    assert seen == sorted(made)
    assert code(await running.http.get(PATH, params={"cursor": "nonsense"}, headers=headers)) == (422, "invalid_cursor")
    assert code(await running.http.get(PATH, params={"external_id": "a\0b"}, headers=headers)) == (422, "invalid")
    assert code(await running.http.get(PATH, params={"limit": 0}, headers=headers)) == (422, "invalid")


async def test_streams_are_seen_in_state_health_and_live(running: Running) -> None:
    caller = running.mint.caller(tenant_id=new_id())
    headers = running.mint.headers(caller)
    camera = (await running.new(headers)).json()
    cache, ready = connect_redis(running.settings.redis.cache_url), asyncio.Event()
    live = LiveBus(cache).subscribe([f"{caller.tenant_id}:cameras"], ready=ready)
    watching = asyncio.ensure_future(anext(live))
    try:
        async with asyncio.timeout(120):
            await ready.wait()
            data = StreamWentOnline(camera_id=UUID(camera["id"]), revision=1, read_url="rtsp://media/x")
            event = wrap(data, tenant_id=caller.tenant_id, occurred_at=SystemClock().now())
            await running.bus.publish(event)
            await running.bus.publish(event)
            message = await watching
    finally:
        watching.cancel()
        await cache.aclose()
    assert (message.data["camera_id"], message.data["state"]) == (camera["id"], "online")
    assert (await running.http.get(f"{PATH}/{camera['id']}", headers=headers)).json()["state"] == "online"
    fleet = (await running.http.get(f"{PATH}/health", headers=headers)).json()
    assert fleet == {"total": 1, "online": 1, "degraded": 0, "offline": 0, "unknown": 0, "disabled": 0}


async def test_another_tenants_camera_is_not_found(running: Running) -> None:
    camera = (await running.new(running.mint.headers())).json()
    stranger = running.mint.headers(running.mint.caller(tenant_id=new_id()))
    path = f"{PATH}/{camera['id']}"
    for method in ("GET", "PATCH", "DELETE"):
        body = {"name": "Mine"} if method == "PATCH" else None
        assert code(await running.http.request(method, path, json=body, headers=stranger)) == (404, "not_found")


async def test_roles_and_tokens(running: Running) -> None:
    viewer = running.mint.headers(running.mint.caller(Role.VIEWER))
    assert (await running.http.get(PATH, headers=viewer)).status_code == 200
    assert code(await running.new(viewer)) == (403, "missing_scope")
    ticket = {"authorization": f"Bearer {running.mint.ticket('live', camera_id=new_id())}"}
    for access in route_access(running.service.api):
        if access.public:
            continue
        path = re.sub(r"\{\w+\}", str(new_id()), access.path)
        for headers in ({}, {"authorization": "Bearer nonsense"}, ticket):
            assert code(await running.http.request(access.method, path, json={}, headers=headers)) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"url": "http://10.0.0.5/s"}, "invalid_camera_url"),
        ({"url": "rtsp://127.0.0.1/s"}, "invalid_camera_url"),
        ({"url": "rtsp://localhost/s"}, "invalid_camera_url"),
        ({"url": "rtsp://169.254.169.254/s"}, "invalid_camera_url"),
        ({"url": "rtsp://admin:hunter2-canary@10.0.0.5/s\r\nX: y"}, "invalid_camera_url"),
        ({"url": ""}, "invalid"),
        ({"url": None}, "invalid"),
        ({"name": "  "}, "invalid"),
        ({"name": "a\x00b"}, "invalid"),
        ({"name": "x" * 121}, "invalid"),
        ({"groups": ["x"]}, "invalid"),
        ({"groups": [str(new_id()) for _ in range(51)]}, "invalid"),
        ({"recording": {"retention_days": 0}}, "invalid"),
        ({"recording": {"unknown": 1}}, "invalid"),
        ({"ai": {"fps": 100}}, "invalid"),
        ({"ai": {"masks": [[[0, 0], [2, 2], [0, 1]]]}}, "invalid"),
        ({"ai": {"masks": [[[0, 0]]]}}, "invalid"),
        ({"ai": {"unknown": 1}}, "invalid"),
        ({"enabled": "perhaps"}, "invalid"),
        ({"password": "x"}, "invalid"),
    ],
)
async def test_wrong_cameras(running: Running, change: dict[str, object], expected: str) -> None:
    headers = running.mint.headers()
    answer = await running.new(headers, **change)
    assert code(answer) == (422, expected)
    assert "hunter2" not in answer.text


async def test_a_name_is_accepted_as_people_type_it_or_refused_by_its_character(running: Running) -> None:
    headers = running.mint.headers()
    made = await running.new(headers, name="Praça\u00a0da Sé 🚦", external_id="SÉ\u00a01")
    assert (made.status_code, made.json()["name"], made.json()["external_id"]) == (201, "Praça da Sé 🚦", "SÉ 1")
    for external_id in ("SÉ 1", "SÉ\u00a01"):
        found = await running.http.get(PATH, params={"external_id": external_id}, headers=headers)
        assert [camera["id"] for camera in found.json()["items"]] == [made.json()["id"]]
    refused = await running.new(headers, name="Praça\u200b")
    assert code(refused) == (422, "invalid")
    assert "U+200B (zero width space) as character 6" in refused.json()["errors"][0]["msg"]


async def test_wrong_requests(running: Running) -> None:
    headers = running.mint.headers()
    camera = (await running.new(headers)).json()
    path = f"{PATH}/{camera['id']}"
    assert code(await running.http.patch(path, json={"name": None}, headers=headers)) == (422, "invalid")
    assert code(await running.http.patch(path, json={"revision": 9}, headers=headers)) == (422, "invalid")
    assert code(await running.http.get(f"{PATH}/not-a-uuid", headers=headers)) == (422, "invalid")
    broken = await running.http.post(PATH, content=b"{", headers=headers | {"content-type": "application/json"})
    assert code(broken) == (400, "malformed_json")


async def test_documentation_and_health(running: Running) -> None:
    spec = (await running.http.get("/api/v1/docs/cameras/openapi.json")).json()
    assert f"{PATH}/{{camera_id}}" in spec["paths"]
    asyncapi = (await running.http.get("/api/v1/docs/cameras/asyncapi.json")).text
    for key in ("camera.registered.v1", "cameras.announced.v1", "stream.went_online.v1"):
        assert key in asyncapi
    async with httpx.AsyncClient(transport=httpx.ASGITransport(running.service.private), base_url="http://test") as private:
        async with asyncio.timeout(120):
            while (await private.get("/health/ready")).status_code != 200:  # on a busy machine a check may time out
                await asyncio.sleep(0.1)
        assert "gtvision_cameras_sightings_total" in (await private.get("/metrics")).text


async def test_a_list_says_of_a_camera_what_the_camera_itself_says(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller(tenant_id=new_id()))
    groups = sorted(str(new_id()) for _ in range(2))
    changes: list[dict[str, object]] = [
        {},
        {"external_id": "sé-1", "groups": groups, "enabled": False},
        {"recording": {"enabled": False, "retention_days": 7}, "ai": {"fps": 0.5, "masks": [[[0.1, 0.1], [0.2, 0.1], [0.2, 0.25]]]}},
    ]
    made = [(await running.new(headers, **each)).json()["id"] for each in changes]
    answer = await running.http.get(PATH, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    alone = [(await running.http.get(f"{PATH}/{camera_id}", headers=headers)).json() for camera_id in made]
    assert answer.json() == {"items": alone, "next": None}
