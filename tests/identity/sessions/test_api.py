"""Tests of the whole service over HTTP on real servers."""

from __future__ import annotations

import asyncio
import io
import json
import sys

import httpx
import pytest
from tests.fixtures.routes import route_access
from tests.identity.running import EMAIL, KEYS, PASSWORD, TOOL_KEY, Running, bootstrap, code, why

from chassis.auth import EPOCH_KEY, JWKS_KEY, REVOKED_KEY, Authenticator
from chassis.redis import connect_redis
from identity.cities import cli
from identity.cities.cli import UnusableInput

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.usefixtures("no_throttle_left")]


async def test_a_session_from_login_to_logout(running: Running) -> None:
    opened = await running.login()
    assert opened["token_type"] == "Bearer"
    assert opened["expires_in"] == 900
    headers = {"authorization": f"Bearer {opened['access_token']}"}
    me = (await running.http.get("/api/v1/users/me", headers=headers)).json()
    assert (me["email"], me["role"], me["tenant"], me["kind"]) == (EMAIL, "platform_admin", "Cidade", "user")
    assert (me["purposes"], me["purpose_required"]) == ([], False)
    rotated = await running.http.post("/api/v1/auth/refresh", json={"refresh_token": opened["refresh_token"]})
    assert rotated.status_code == 200
    assert rotated.headers["cache-control"] == "no-store"
    assert (await running.http.post("/api/v1/auth/logout", headers=headers)).status_code == 204
    async with asyncio.timeout(60):
        while (answer := await running.http.get("/api/v1/users/me", headers=headers)).status_code != 401:
            await asyncio.sleep(0.05)
    assert code(answer) == (401, "session_revoked")
    again = await running.http.post("/api/v1/auth/refresh", json={"refresh_token": rotated.json()["refresh_token"]})
    assert why(again) == ("session_revoked", "logged_out")


async def test_bootstrapping_twice_is_once(running: Running) -> None:
    await bootstrap(running.settings)
    assert len((await running.http.get("/api/v1/.well-known/jwks.json")).json()["keys"]) == 1


@pytest.mark.parametrize("form", [True, False])
async def test_an_api_key_is_exchanged(running: Running, form: bool) -> None:
    asked = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": TOOL_KEY}
    answer = (
        await running.http.post("/api/v1/auth/token", data=asked) if form else await running.http.post("/api/v1/auth/token", json=asked)
    )
    assert answer.status_code == 200
    assert answer.json()["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    me = await running.http.get("/api/v1/users/me", headers={"authorization": f"Bearer {answer.json()['access_token']}"})
    assert (me.json()["kind"], me.json()["role"]) == ("api_key", "admin")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"grant_type=password&subject_token=x", b'{"subject_token": "x"}', b"a=b&" * 40])
async def test_other_grants_are_refused(running: Running, body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        assert code(await running.http.post("/api/v1/auth/token", content=body, headers={"content-type": kind})) == (422, "invalid")
    assert code(await running.http.post("/api/v1/auth/token", content=b"x" * 40_000)) == (413, "too_large")


async def test_a_wrong_key_is_refused(running: Running) -> None:
    asked = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "wrong"}
    assert code(await running.http.post("/api/v1/auth/token", json=asked)) == (401, "bad_credentials")


async def test_tickets_for_both_purposes(running: Running) -> None:
    headers = await running.as_admin()
    camera = "01890000-0000-7000-8000-000000000001"
    live = await running.http.post("/api/v1/auth/tickets", json={"purpose": "live", "camera_id": camera}, headers=headers)
    socket = await running.http.post("/api/v1/auth/tickets", json={"purpose": "ws"}, headers=headers)
    assert (live.status_code, socket.status_code) == (201, 201)
    claims = await running.service.api.state.provided[Authenticator].redeem(live.json()["ticket"], "live")
    assert str(claims.camera_id) == camera
    refused = await running.http.get("/api/v1/users/me", headers={"authorization": f"Bearer {socket.json()['ticket']}"})
    assert code(refused) == (401, "unauthenticated")
    assert code(await running.http.post("/api/v1/auth/tickets", json={"purpose": "live"}, headers=headers)) == (422, "invalid")
    assert code(await running.http.post("/api/v1/auth/tickets", json={"purpose": "root"}, headers=headers)) == (422, "invalid")


async def test_users_are_made_listed_and_disabled(running: Running) -> None:
    headers = await running.as_admin()
    asked = {"email": "ana@cidade.example", "password": PASSWORD, "role": "viewer", "must_change_password": False}
    made = await running.http.post("/api/v1/users", json=asked, headers=headers)
    assert made.status_code == 201
    assert PASSWORD not in made.text
    assert code(await running.http.post("/api/v1/users", json=asked, headers=headers)) == (409, "email_taken")
    page = (await running.http.get("/api/v1/users?limit=1", headers=headers)).json()
    rest = (await running.http.get("/api/v1/users", params={"cursor": page["next"]}, headers=headers)).json()
    assert {user["email"] for user in page["items"] + rest["items"]} >= {EMAIL, "ana@cidade.example"}
    ana = await running.login("ana@cidade.example")
    hers = {"authorization": f"Bearer {ana['access_token']}"}
    assert code(await running.http.get("/api/v1/users", headers=hers)) == (403, "missing_scope")
    path = f"/api/v1/users/{made.json()['id']}"
    assert code(await running.http.patch(path, json={"disabled": True}, headers=hers)) == (403, "missing_scope")
    assert (await running.http.patch(path, json={"disabled": True}, headers=headers)).json()["disabled"] is True
    async with asyncio.timeout(60):
        while (await running.http.get("/api/v1/users/me", headers=hers)).status_code != 401:
            await asyncio.sleep(0.05)
    refused = await running.http.post("/api/v1/auth/login", json={"email": "ana@cidade.example", "password": PASSWORD})
    assert code(refused) == (403, "account_disabled")
    again = await running.http.post("/api/v1/auth/refresh", json={"refresh_token": ana["refresh_token"]})
    assert why(again) == ("session_revoked", "disabled")


async def test_a_stranger_does_not_exist(running: Running) -> None:
    headers = await running.as_admin()
    path = "/api/v1/users/01890000-0000-7000-8000-00000000ffff"
    assert code(await running.http.patch(path, json={"disabled": True}, headers=headers)) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, "malformed_json")),
        (b"[]", (422, "invalid")),
        (b'{"email":"a@b.org"}', (422, "invalid")),
        (b'{"email":"a@b.org","password":"x","extra":1}', (422, "invalid")),
        (b'{"email":"a@b.org","password":""}', (422, "invalid")),
        (b'{"email":"a@b.org","password":"\\ud800xxxxxxxxxxxx"}', (422, "invalid")),
        (b'{"email":"a@b.org","password":"wrong wrong wrong"}', (401, "bad_credentials")),
        (b'{"email":"' + EMAIL.encode() + b'","password":"wrong wrong wrong"}', (401, "bad_credentials")),
    ],
)
async def test_wrong_logins(running: Running, body: bytes, expected: tuple[int, str]) -> None:
    answer = await running.http.post("/api/v1/auth/login", content=body, headers={"content-type": "application/json"})
    assert code(answer) == expected
    assert "wrong wrong" not in answer.text


async def test_guessing_is_throttled(running: Running) -> None:
    asked = {"email": EMAIL, "password": "wrong wrong wrong"}
    answers = [await running.http.post("/api/v1/auth/login", json=asked) for _ in range(6)]
    assert code(answers[-1]) == (429, "rate_limited")
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_every_scoped_route_refuses_without_a_token(running: Running) -> None:
    for access in route_access(running.service.api):
        if access.public:
            continue
        path = access.path.replace("{user_id}", "01890000-0000-7000-8000-00000000ffff")
        for headers in ({}, {"authorization": "Bearer nonsense"}, {"authorization": "Basic YTpi"}):
            assert code(await running.http.request(access.method, path, json={}, headers=headers)) == (401, "unauthenticated")


async def test_a_redis_that_forgot_everything_is_told_again(running: Running) -> None:
    opened = await running.login()
    headers = {"authorization": f"Bearer {opened['access_token']}"}
    await running.http.post("/api/v1/auth/logout", headers=headers)
    client = connect_redis(running.settings.redis.state_url)
    await client.flushall()
    async with asyncio.timeout(60):
        while not await client.exists(EPOCH_KEY):
            await asyncio.sleep(0.05)
    assert await client.exists(JWKS_KEY)
    assert await client.hlen(REVOKED_KEY) >= 1
    await client.aclose()
    async with asyncio.timeout(60):  # the service's own copy may learn of it later
        while (answer := await running.http.get("/api/v1/users/me", headers=headers)).status_code == 200:
            await asyncio.sleep(0.05)
    assert code(answer) == (401, "session_revoked")


async def test_documentation_and_health(running: Running) -> None:
    spec = (await running.http.get("/api/v1/docs/identity/openapi.json")).json()
    assert "/api/v1/auth/login" in spec["paths"]
    assert "session.revoked.v1" in (await running.http.get("/api/v1/docs/identity/asyncapi.json")).text
    transport = httpx.ASGITransport(running.service.private)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as private:
        async with asyncio.timeout(60):
            while (await private.get("/health/ready")).status_code != 200:
                await asyncio.sleep(0.1)
        metrics = (await private.get("/metrics")).text
    assert "gtvision_identity_logins_total" in metrics


async def test_a_bootstrap_with_wrong_input_says_where_and_not_what() -> None:
    with pytest.raises(UnusableInput) as refused:
        cli.read_wanted(io.StringIO('{"tenant": "", "admin_email": "x", "admin_password": "hunter2 hunter2"}'))
    assert "tenant" in str(refused.value)
    assert "hunter2" not in str(refused.value)


async def test_the_command_line_bootstraps(running: Running) -> None:
    database = {"DATABASE_URL": running.settings.db.url.get_secret_value(), "DATABASE_TIMEOUT_S": "60"}
    environment = {**database, "ENCRYPTION_KEYS": KEYS}
    asked = {"tenant": "Outra", "admin_email": "chefe@outra.example", "admin_password": PASSWORD}
    for first in (True, False):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "identity", "bootstrap"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        out, problems = await process.communicate(json.dumps(asked).encode())
        assert process.returncode == 0, problems.decode()
        done = json.loads(out)
        assert (done["tenant_created"], done["admin_created"], done["signing_key_created"]) == (first, first, False)
    assert (await running.login("chefe@outra.example"))["user"]["tenant_id"] == done["tenant_id"]
