"""Tests of API keys, tenants and their settings over HTTP, with the whole service on real servers."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from typing import Any

import httpx
import pytest
from PIL import Image
from tests.identity.running import Running, code

from chassis.redis import connect_redis
from city.tenants import TenantDirectory
from gtvision.ids import new_id
from gtvision.tenancy import Quotas, TenantSettings
from gtvision.time import SystemClock, isoformat

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.usefixtures("no_throttle_left")]


class Person:
    """A user with a token."""

    def __init__(self, running: Running, session: dict[str, Any]) -> None:
        self._running = running
        self.headers = {"authorization": f"Bearer {session['access_token']}"}
        self.tenant_id = session["user"]["tenant_id"]

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = self.headers | more.pop("headers", {})
        return await self._running.http.request(method, f"/api/v1{path}", headers=headers, **more)


@pytest.fixture
async def root(running: Running) -> Person:
    """The installation's first administrator, who is the platform's administrator too."""
    return Person(running, await running.login())


async def join(running: Running, root: Person) -> Person:
    """Creates another tenant and returns its first administrator, after the first login."""
    email, chosen = f"{new_id()}@example.org", "outra senha bem longa"
    made = await root.ask("POST", "/tenants", json={"name": f"Cidade {new_id()}", "admin_email": email})
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    password = made.json()["admin"]["password"]
    first = Person(running, await running.login(email, password))
    assert code(await first.ask("GET", f"/tenants/{first.tenant_id}")) == (403, "missing_scope"), "not before the password is changed"
    changed = await first.ask("POST", "/auth/password", json={"current_password": password, "new_password": chosen})
    assert changed.is_success, changed.text
    return Person(running, await running.login(email, chosen))


@pytest.fixture
async def mayor(running: Running, root: Person) -> Person:
    return await join(running, root)


def logo(kind: str = "PNG", size: tuple[int, int] = (64, 32)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "teal").save(made, kind)
    return made.getvalue()


# --- tenants -----------------------------------------------------------------------------------------------------------


async def test_only_the_platform_sees_and_makes_tenants(root: Person, mayor: Person) -> None:
    assert code(await mayor.ask("GET", "/tenants")) == (403, "missing_scope")
    assert code(await mayor.ask("POST", "/tenants", json={"name": "x", "admin_email": "x@example.org"})) == (403, "missing_scope")
    seen, cursor = set(), ""
    while cursor is not None:
        page = (await root.ask("GET", f"/tenants?limit=1{cursor and '&cursor='}{cursor}")).json()
        seen |= {tenant["id"] for tenant in page["items"]}
        cursor = page["next"]
    assert {root.tenant_id, mayor.tenant_id} <= seen
    assert (await mayor.ask("GET", f"/tenants/{mayor.tenant_id}")).json()["revision"] == 1
    assert (await root.ask("GET", f"/tenants/{mayor.tenant_id}")).status_code == 200
    for path in ("", "/settings", "/logo"):
        assert code(await mayor.ask("GET", f"/tenants/{root.tenant_id}{path}")) == (404, "not_found")


async def test_a_name_is_taken_once(root: Person) -> None:
    taken = (await root.ask("GET", f"/tenants/{root.tenant_id}")).json()["name"]
    answer = await root.ask("POST", "/tenants", json={"name": f" {taken} ", "admin_email": f"{new_id()}@example.org"})
    assert code(answer) == (409, "name_taken")
    for body in ({"name": " ", "admin_email": "a@example.org"}, {"name": "x", "admin_email": "a@example.org", "settings": {"y": 1}}):
        assert code(await root.ask("POST", "/tenants", json=body)) == (422, "invalid")


async def test_a_city_is_suspended_resumed_and_closed(running: Running, root: Person, mayor: Person) -> None:
    path = f"/tenants/{mayor.tenant_id}"
    shown = (await root.ask("GET", path)).json()
    assert (shown["state"], shown["suspended_at"], shown["deletes_at"], shown["users"]) == ("active", None, None, 1)
    for method, verb in (("PATCH", ""), ("POST", "/suspend"), ("POST", "/resume"), ("DELETE", "")):
        body = {"json": {"name": "Outra"}} if method == "PATCH" else {}
        assert code(await mayor.ask(method, path + verb, **body)) == (403, "missing_scope"), "not even their own"
        assert code(await mayor.ask(method, f"/tenants/{root.tenant_id}{verb}", **body)) == (404, "not_found")
    assert code(await root.ask("DELETE", path)) == (409, "city_active")
    assert code(await root.ask("POST", f"/tenants/{root.tenant_id}/suspend")) == (409, "own_city")
    suspended = await root.ask("POST", f"{path}/suspend")
    assert (suspended.status_code, suspended.json()["state"]) == (200, "suspended")
    async with asyncio.timeout(60):
        while (answer := await mayor.ask("GET", "/users/me")).status_code == 200:
            await asyncio.sleep(0.02)
    assert code(answer) == (401, "session_revoked")
    closing = await root.ask("DELETE", path)
    assert (closing.status_code, closing.json()["state"]) == (202, "closing")
    assert closing.json()["deletes_at"] > closing.json()["suspended_at"]
    listed = (await root.ask("GET", "/tenants", params={"state": "closing", "q": shown["name"].upper()})).json()["items"]
    assert [tenant["id"] for tenant in listed] == [mayor.tenant_id]
    assert (await root.ask("POST", f"{path}/resume")).json()["deletes_at"] is None
    assert (await root.ask("GET", "/tenants", params={"state": "closing", "q": shown["name"]})).json()["items"] == []


async def test_a_city_is_renamed(root: Person, mayor: Person) -> None:
    path, name = f"/tenants/{mayor.tenant_id}", f"Cidade nova {new_id()}"
    assert (await root.ask("PATCH", path, json={"name": f" {name} "})).json()["name"] == name
    assert (await root.ask("PATCH", path, json={"name": name})).json()["revision"] == 2, "nothing changed the second time"
    assert (await mayor.ask("GET", "/users/me")).json()["tenant"] == name
    taken = (await root.ask("GET", f"/tenants/{root.tenant_id}")).json()["name"]
    assert code(await root.ask("PATCH", path, json={"name": taken})) == (409, "name_taken")
    for body in ({"name": " "}, {}, {"name": None}, {"name": "x", "state": "deleted"}):
        assert code(await root.ask("PATCH", path, json=body)) == (422, "invalid")


# --- settings ----------------------------------------------------------------------------------------------------------


async def test_settings_are_changed_by_who_has_seen_them(running: Running, root: Person, mayor: Person) -> None:
    path = f"/tenants/{mayor.tenant_id}/settings"
    shown = await mayor.ask("GET", path)
    assert shown.json()["retention"]["video_days"] == 90
    seen = {"if-match": shown.headers["etag"]}
    assert seen == {"if-match": '"1"'}
    patch = {"retention": {"video_days": 30}, "purposes": {"codes": ["crime"], "required": True}}
    assert code(await mayor.ask("PATCH", path, json=patch)) == (428, "precondition_required")
    for old in ('"7"', 'W/"7"', "*", "1", ""):
        assert code(await mayor.ask("PATCH", path, json=patch, headers={"if-match": old})) == (412, "stale_revision"), old
    changed = await mayor.ask("PATCH", path, json=patch, headers=seen)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json()["purposes"] == {"codes": ["crime"], "required": True}
    me = (await mayor.ask("GET", "/users/me")).json()
    assert (me["purposes"], me["purpose_required"]) == (["crime"], True), "users see the purposes that their city declares"
    assert changed.json()["retention"] == {**shown.json()["retention"], "video_days": 30}
    assert code(await mayor.ask("PATCH", path, json=patch, headers=seen)) == (412, "stale_revision")
    now = {"if-match": 'W/"2"'}  # as the edge has it where it compressed the answer
    back = await mayor.ask("PATCH", path, json={"retention": None}, headers=now)
    assert back.json()["retention"]["video_days"] == 90
    replaced = await root.ask("PUT", path, json={"display_name": "Ourinhos"}, headers={"if-match": '"3"'})
    assert replaced.json()["purposes"] == {"codes": [], "required": False}, "what is left out takes its default"
    assert (await mayor.ask("GET", path)).json()["display_name"] == "Ourinhos"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"unheard": 1}, ["body", "unheard"]),
        ({"retention": {"unheard": 1}}, ["body", "retention", "unheard"]),
        ({"retention": {"audit_days": 30}}, ["body", "retention", "audit_days"]),
        ({"purposes": {"codes": ["Not A Code"]}}, ["body", "purposes", "codes", 0]),
        ({"quotas": {"cameras": -1}}, ["body", "quotas", "cameras"]),
        ({"quotas": 5}, ["body", "quotas"]),
        ({"timezone": "Mars/Phobos"}, ["body", "timezone"]),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_wrong_settings_are_refused_and_say_where(mayor: Person, method: str, body: dict[str, Any], where: list[str]) -> None:
    path = f"/tenants/{mayor.tenant_id}/settings"
    answer = await mayor.ask(method, path, json=body, headers={"if-match": '"1"'})
    assert code(answer) == (422, "invalid")
    assert [error["loc"] for error in answer.json()["errors"]] == [where]
    assert (await mayor.ask("GET", path)).headers["etag"] == '"1"'


async def test_of_two_who_change_at_once_one_wins(mayor: Person) -> None:
    path = f"/tenants/{mayor.tenant_id}/settings"
    bodies = [{"display_name": f"Name {number}"} for number in range(8)]
    answers = await asyncio.gather(*(mayor.ask("PATCH", path, json=body, headers={"if-match": '"1"'}) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_a_quota_of_users_holds(mayor: Person) -> None:
    path = f"/tenants/{mayor.tenant_id}/settings"
    assert (await mayor.ask("PATCH", path, json={"quotas": {"users": 2}}, headers={"if-match": '"1"'})).status_code == 200

    def new() -> dict[str, str]:
        return {"email": f"{new_id()}@example.org", "password": "telhado verde de zinco", "role": "viewer"}

    made = await mayor.ask("POST", "/users", json=new())
    assert made.status_code == 201
    refused = await mayor.ask("POST", "/users", json=new())
    assert code(refused) == (409, "quota_reached")
    assert "quotas.users" in refused.json()["detail"]
    user = f"/users/{made.json()['id']}"
    assert (await mayor.ask("PATCH", user, json={"disabled": True})).is_success
    assert (await mayor.ask("POST", "/users", json=new())).status_code == 201
    assert code(await mayor.ask("PATCH", user, json={"disabled": False})) == (409, "quota_reached")


async def test_the_platform_bounds_what_a_city_may_set(root: Person, mayor: Person) -> None:
    path = f"/tenants/{mayor.tenant_id}/settings"
    body = {"quotas": {"cameras": 50}, "ai_budget": {"daily_usd": 2.5}}
    assert (await root.ask("PATCH", path, json=body, headers={"if-match": '"1"'})).json()["quotas"]["cameras"] == 50
    assert (await mayor.ask("GET", f"/tenants/{mayor.tenant_id}")).json()["ceiling"] == {"quotas.cameras": 50, "ai_budget.daily_usd": 2.5}
    for method, lifted in (("PATCH", {"quotas": {"cameras": 51}}), ("PUT", {"ai_budget": {"daily_usd": 3}})):
        assert code(await mayor.ask(method, path, json=lifted, headers={"if-match": '"2"'})) == (422, "above_ceiling")
    lowered = await mayor.ask("PUT", path, json={"ai_budget": {"daily_usd": 1}}, headers={"if-match": '"2"'})
    assert (lowered.json()["ai_budget"]["daily_usd"], lowered.json()["quotas"]["cameras"]) == (1, 50)


async def test_a_document_that_is_read_edited_and_sent_back_keeps_the_ceilings(root: Person, mayor: Person) -> None:
    tenant, path = f"/tenants/{mayor.tenant_id}", f"/tenants/{mayor.tenant_id}/settings"

    async def send_back(**edited: object) -> tuple[dict[str, object], dict[str, float]]:
        shown = await root.ask("GET", path)
        done = await root.ask("PUT", path, json=shown.json() | edited, headers={"if-match": shown.headers["etag"]})
        assert done.is_success, done.text
        return done.json(), (await root.ask("GET", tenant)).json()["ceiling"]

    await root.ask("PATCH", path, json={"quotas": {"cameras": 10}}, headers={"if-match": '"1"'})
    await mayor.ask("PATCH", path, json={"quotas": {"cameras": 8, "users": 5}}, headers={"if-match": '"2"'})
    settings, ceiling = await send_back(display_name="Ourinhos")
    assert (settings["quotas"], ceiling) == ({**settings["quotas"], "cameras": 8, "users": 5}, {"quotas.cameras": 10})  # type: ignore[dict-item]
    await mayor.ask("PATCH", path, json={"ai_budget": {"daily_usd": 3}}, headers={"if-match": '"4"'})
    _, ceiling = await send_back(ai_budget={"daily_usd": 0.0}, quotas={"cameras": 6})
    assert ceiling == {"quotas.cameras": 6}, "the default is no ceiling, another value is one"
    await root.ask("PATCH", path, json={"ai_budget": {"daily_usd": 0}}, headers={"if-match": '"6"'})
    _, ceiling = await send_back(display_name="Assis")
    assert ceiling == {"quotas.cameras": 6, "ai_budget.daily_usd": 0}, "0 is a ceiling where a change names it"


async def test_what_a_city_joins_with_is_its_ceiling(root: Person) -> None:
    whole = TenantSettings(quotas=Quotas(users=3)).model_dump(mode="json")
    asked = {"name": f"Cidade {new_id()}", "admin_email": f"{new_id()}@example.org", "settings": whole}
    made = await root.ask("POST", "/tenants", json=asked)
    assert made.json()["ceiling"] == {"quotas.users": 3}


async def test_a_change_reaches_every_service(running: Running, mayor: Person) -> None:
    async with connect_redis(running.settings.redis.state_url) as state, TenantDirectory(state, poll_s=3_600) as directory:
        body = {"purposes": {"required": True}}
        await mayor.ask("PATCH", f"/tenants/{mayor.tenant_id}/settings", json=body, headers={"if-match": '"1"'})
        from uuid import UUID

        async with asyncio.timeout(60):
            while not directory.settings(UUID(mayor.tenant_id)).purposes.required:
                await asyncio.sleep(0.02)
        await state.flushall()
        async with asyncio.timeout(60):
            while True:  # until identity notices the loss and writes them again
                late = TenantDirectory(state)
                await late.load()
                if late.settings(UUID(mayor.tenant_id)).purposes.required:
                    break
                await asyncio.sleep(0.05)


async def test_a_logo(running: Running, root: Person, mayor: Person) -> None:
    path = f"/tenants/{mayor.tenant_id}/logo"
    assert code(await mayor.ask("GET", path)) == (404, "not_found")
    data = logo("JPEG")
    assert (await mayor.ask("PUT", path, content=data, headers={"content-type": "image/jpeg"})).status_code == 204
    shown = await mayor.ask("GET", path)
    assert (shown.content, shown.headers["content-type"]) == (data, "image/jpeg")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert code(await mayor.ask("PUT", path, content=b"<svg/>", headers={"content-type": "image/png"})) == (422, "invalid_image")
    assert code(await mayor.ask("PUT", path, content=logo() + bytes(600_000))) == (413, "too_large")
    assert code(await mayor.ask("PUT", path, content=logo(size=(2_001, 1_000)))) == (413, "too_large")
    assert (await mayor.ask("GET", path)).content == data
    key = (await mayor.ask("GET", f"/tenants/{mayor.tenant_id}/settings")).json()["logo_key"]
    assert key.startswith(f"branding/{mayor.tenant_id}/")
    assert code(await (await join(running, root)).ask("DELETE", path)) == (404, "not_found")
    assert (await mayor.ask("DELETE", path)).status_code == 204
    assert code(await mayor.ask("GET", path)) == (404, "not_found")


async def test_every_role_sees_the_picture_of_its_own_city_only(running: Running, root: Person, mayor: Person) -> None:
    path, email = f"/tenants/{mayor.tenant_id}/logo", f"{new_id()}@example.org"
    await mayor.ask("PUT", path, content=logo())
    asked = {"email": email, "password": "uma senha bem longa", "role": "viewer", "must_change_password": False}
    assert (await mayor.ask("POST", "/users", json=asked)).status_code == 201
    viewer = Person(running, await running.login(email, "uma senha bem longa"))
    assert code(await viewer.ask("GET", f"/tenants/{mayor.tenant_id}")) == (403, "missing_scope")
    assert (await viewer.ask("GET", path)).headers["content-type"] == "image/png"
    assert (await viewer.ask("GET", "/users/me")).json()["has_logo"] is True
    assert code(await viewer.ask("DELETE", path)) == (403, "missing_scope")
    assert code(await viewer.ask("GET", f"/tenants/{root.tenant_id}/logo")) == (404, "not_found")


# --- keys of programs --------------------------------------------------------------------------------------------------


async def exchange(running: Running, key: str) -> httpx.Response:
    body = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": key}
    return await running.http.post("/api/v1/auth/token", data=body)


async def test_a_key_from_creation_to_revocation(running: Running, mayor: Person) -> None:
    made = await mayor.ask("POST", "/api-keys", json={"name": "Estacionamento", "scopes": ["cameras:read", "api-keys:read"]})
    assert code(made) == (403, "forbidden"), "no key sees keys"
    made = await mayor.ask("POST", "/api-keys", json={"name": "Estacionamento", "scopes": ["settings:read"]})
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    text, path = made.json()["key"], f"/api-keys/{made.json()['id']}"
    opened = (await exchange(running, text)).json()
    assert opened["expires_in"] == 900
    program = {"authorization": f"Bearer {opened['access_token']}"}
    settings = f"/api/v1/tenants/{mayor.tenant_id}/settings"
    assert (await running.http.get(settings, headers=program)).status_code == 200
    assert code(await running.http.get("/api/v1/users", headers=program)) == (403, "missing_scope")
    me = (await running.http.get("/api/v1/users/me", headers=program)).json()
    assert (me["kind"], me["name"], me["scopes"]) == ("api_key", "Estacionamento", ["settings:read"])
    assert (me["purposes"], me["purpose_required"]) == ([], False)
    shown = (await mayor.ask("GET", path)).json()
    assert "key" not in shown
    assert text not in str((await mayor.ask("GET", "/api-keys")).json())
    assert shown["last_used_at"] is not None
    assert shown["last_used_address"] == "127.0.0.1"
    for _ in range(2):
        assert (await mayor.ask("DELETE", path)).status_code == 204
    assert code(await exchange(running, text)) == (401, "bad_credentials")
    async with asyncio.timeout(60):
        while (answer := await running.http.get(settings, headers=program)).status_code == 200:
            await asyncio.sleep(0.02)
    assert code(answer) == (401, "session_revoked")
    assert (await mayor.ask("GET", path)).json()["revoked_at"] is not None


async def test_a_short_key_gives_a_shorter_token(running: Running, mayor: Person) -> None:
    ends = isoformat(SystemClock().now() + timedelta(minutes=10))
    made = (await mayor.ask("POST", "/api-keys", json={"name": "x", "scopes": ["cameras:read"], "expires_at": ends})).json()
    assert 0 < (await exchange(running, made["key"])).json()["expires_in"] <= 600


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "", "scopes": ["cameras:read"]}, (422, "invalid")),
        ({"name": "x", "scopes": []}, (422, "invalid")),
        ({"name": "x", "scopes": ["everything"]}, (422, "invalid")),
        ({"name": "x", "scopes": ["cameras:read"], "role": "admin"}, (422, "invalid")),
        ({"name": "x", "scopes": ["cameras:read"], "expires_at": "2020-01-01T00:00:00Z"}, (422, "invalid_expiry")),
        ({"name": "x", "scopes": ["cameras:read"], "expires_at": "2020-01-01T00:00:00"}, (422, "invalid")),
        ({"name": "x", "scopes": ["tenants:read"]}, (403, "forbidden")),
    ],
)
async def test_wrong_keys_are_not_made(root: Person, body: dict[str, Any], expected: tuple[int, str]) -> None:
    assert code(await root.ask("POST", "/api-keys", json=body)) == expected


async def test_pages_of_keys_and_keys_of_other_tenants(running: Running, root: Person, mayor: Person) -> None:
    for number in range(3):
        await mayor.ask("POST", "/api-keys", json={"name": f"Key {number}", "scopes": ["cameras:read"]})
    first = (await mayor.ask("GET", "/api-keys?limit=2")).json()
    rest = (await mayor.ask("GET", f"/api-keys?limit=2&cursor={first['next']}")).json()
    assert sorted(key["name"] for key in first["items"] + rest["items"]) == ["Key 0", "Key 1", "Key 2"]
    assert rest["next"] is None
    for method in ("GET", "DELETE"):
        assert code(await root.ask(method, f"/api-keys/{first['items'][0]['id']}")) == (404, "not_found")
