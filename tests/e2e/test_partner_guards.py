"""Tests of a partner's access under faults: rotated keys, identity down, an emptied Redis, an altered ledger."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.e2e.conftest import Deployment
from tests.e2e.partner import Partner, answers, database, exchanges, problem, secrets
from tests.e2e.stack import until

pytestmark = [pytest.mark.e2e, pytest.mark.media, pytest.mark.db, pytest.mark.broker]


# --- rules of a tenant - ----------------------------------------------------------------------------------------------------


async def test_a_tenant_that_requires_a_purpose_has_it_on_record(deployment: Deployment, partner: Partner) -> None:
    tenant = (await partner.get("/users/me"))["tenant_id"]
    path = f"/tenants/{tenant}/settings"
    before = await deployment.person.ask("GET", path)
    wanted = {"purposes": {"codes": ["investigacao", "auditoria"], "required": True}}
    assert problem(await deployment.person.ask("PATCH", path, json=wanted)) == (428, "precondition_required")
    assert problem(await deployment.person.ask("PATCH", path, json=wanted, headers={"if-match": '"999"'})) == (412, "stale_revision")
    changed = await deployment.person.ask("PATCH", path, json=wanted, headers={"if-match": before.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != before.headers["etag"]
    plate = deployment.watched
    try:
        await until(answers(partner, f"/plates/{plate}", 422), "the search asks for a purpose")
        assert problem(await partner.ask("GET", f"/plates/{plate}")) == (422, "purpose_required")
        assert problem(await partner.ask("GET", f"/plates/{plate}", {"x-purpose": "curiosidade"})) == (422, "purpose_unknown")
        found = await partner.ask("GET", f"/plates/{plate}", {"x-purpose": "investigacao"})
        assert found.status_code == 200
    finally:
        undone = await deployment.person.ask("PUT", path, json=before.json(), headers={"if-match": changed.headers["etag"]})
        assert undone.status_code == 200
    await until(answers(partner, f"/plates/{plate}", 200), "the search asks for no purpose any more")

    async def on_record() -> list[dict[str, Any]]:
        found = await deployment.person.get("/audit", action="plate.searched", purpose="investigacao")
        return [entry for entry in found["items"] if entry["actor_id"] == partner.key_id]

    entry = (await until(on_record, "the search is on record"))[0]
    assert (entry["address"], entry["object_id"], entry["outcome"]) == ("127.0.0.1", plate, "allowed")
    assert entry["correlation_id"] == found.headers["x-correlation-id"]


async def test_a_person_with_a_reset_password_gets_no_further_before_changing_it(deployment: Deployment, partner: Partner) -> None:
    email = "nova@gtvision.local"
    user = {"email": email, "password": "um-jumento-correto-7", "role": "operator", "must_change_password": False}
    await deployment.person.post("/users", user)
    said = await asyncio.to_thread(deployment.stack.gtv, "users", "reset-password", email)
    password = said.stdout.strip().splitlines()[-1]
    async with partner.client() as http:
        session = (await http.post("/api/v1/auth/login", json={"email": email, "password": password})).raise_for_status().json()
        assert session["must_change_password"]
        first = {"authorization": f"Bearer {session['access_token']}"}
        assert problem(await http.get("/api/v1/cameras", headers=first))[0] == 403
        change = {"current_password": password, "new_password": "uma-zebra-correta-99"}
        fresh = (await http.post("/api/v1/auth/password", json=change, headers=first)).raise_for_status().json()
        assert not fresh["must_change_password"]
        second = {"authorization": f"Bearer {fresh['access_token']}"}
        assert (await http.get("/api/v1/cameras", headers=second)).status_code == 200
        assert problem(await http.post("/api/v1/auth/login", json={"email": email, "password": password}))[0] == 401


# --- faults -----------------------------------------------------------------------------------------------------------------


async def test_rotating_keys_under_load_fails_no_request(deployment: Deployment, partner: Partner) -> None:
    answered = 0
    stop = asyncio.Event()
    signed_by: set[str] = set()

    async def work() -> None:
        nonlocal answered
        mine = Partner(partner.address, partner.authority, partner.key, partner.key_id, source="127.0.0.3")
        async with mine.http:
            while not stop.is_set():
                assert (await mine.exchange()).status_code == 200
                signed_by.add(_kid(mine.token))
                for path in ("/cameras", "/cameras/health", "/detections?limit=1", "/alerts?limit=1", "/users/me"):
                    answer = await mine.ask("GET", path)
                    assert answer.status_code == 200, answer.text
                    answered += 1
                await asyncio.sleep(2.5)  # an address may exchange 30 keys a minute

    before = _kid(partner.token)
    workers = [asyncio.create_task(work())]

    async def signed() -> bool:
        return before in signed_by or any(worker.done() for worker in workers)

    try:
        await until(signed, "tokens are signed with the key before")
        said = await asyncio.to_thread(deployment.stack.gtv, "keys", "rotate", "--activate-after", "5")
        fresh = said.stdout.split()[0]

        async def used() -> bool:
            return fresh in signed_by or any(worker.done() for worker in workers)

        await until(used, "tokens are signed with the new key")
        assert (await partner.ask("GET", "/cameras")).status_code == 200, "a token of the key before is still good"
    finally:
        stop.set()
        await asyncio.gather(*workers)
    assert {before, fresh} <= signed_by
    assert answered
    published = (await partner.http.get("/api/v1/.well-known/jwks.json")).json()
    assert {before, fresh} <= {key["kid"] for key in published["keys"]}


@pytest.mark.fault
async def test_without_identity_valid_tokens_go_on_working(deployment: Deployment, partner: Partner) -> None:
    await partner.exchange()
    killed = await deployment.stack.kill("identity")
    try:
        for path in ("/cameras", "/detections?limit=1", f"/plates/{deployment.watched}", "/alerts?limit=1"):
            assert (await partner.ask("GET", path)).status_code == 200, path
    finally:
        await deployment.stack.is_back("identity", killed)
    await until(exchanges(partner), "identity answers again")


@pytest.mark.fault
async def test_a_revoked_session_stays_revoked_when_redis_dies_and_forgets(deployment: Deployment, partner: Partner) -> None:
    async with partner.client() as http:
        session = (await http.post("/api/v1/auth/login", json=_admin(deployment))).raise_for_status().json()
        header = {"authorization": f"Bearer {session['access_token']}"}
        assert (await http.get("/api/v1/cameras", headers=header)).status_code == 200
        assert (await http.post("/api/v1/auth/logout", headers=header)).status_code == 204

        async def refused() -> bool:
            answers = [await http.get(f"/api/v1{path}", headers=header) for path in ("/cameras", "/detections", "/alerts", "/users/me")]
            return all(answer.status_code == 401 for answer in answers)

        await until(refused, "the session is over everywhere")
        port, password = (await deployment.stack.ports())["redis-state"], secrets(deployment.stack)["parts"]["redis_state"]
        async with Redis(port=port, password=password) as redis:
            await redis.flushall()
        for _ in range(4):
            assert await refused(), "emptied"
            await asyncio.sleep(0.5)
        killed = await deployment.stack.kill("redis-state")
        assert await refused(), "dead"
        await deployment.stack.is_back("redis-state", killed)
        replaced = await deployment.stack.kill("cameras")  # the new process never saw the revocation, and reads an emptied Redis
        await deployment.stack.is_back("cameras", replaced)
        await until(refused, "refused again by a process that starts afresh")
        await until(exchanges(partner), "the key is taken again")
        await until(answers(partner, "/cameras", 200), "its token is good")


async def test_an_altered_row_of_the_ledger_is_named(deployment: Deployment) -> None:
    await deployment.person.get(f"/plates/{deployment.watched}")

    async def on_record() -> list[dict[str, Any]]:
        return (await deployment.person.get("/audit", action="plate.searched"))["items"]

    await until(on_record, "a search is on record")
    async with database(deployment.stack) as rows:
        assert (await asyncio.to_thread(deployment.stack.gtv, "audit", "verify", check=False)).returncode == 0
        found = await rows.fetchrow(
            "SELECT tenant_id, seq, actor_name FROM identity.audit_entry WHERE action = 'plate.searched' ORDER BY seq LIMIT 1"
        )
        altered = "UPDATE identity.audit_entry SET actor_name = $3 WHERE tenant_id = $1 AND seq = $2"
        with pytest.raises(Exception, match="append"):
            await rows.execute(altered, found["tenant_id"], found["seq"], "Somebody else")
        await rows.execute("SET session_replication_role = replica")  # disables triggers, so that only the chain can reveal the change
        await rows.execute(altered, found["tenant_id"], found["seq"], "Somebody else")
        try:
            said = await asyncio.to_thread(deployment.stack.gtv, "audit", "verify", check=False)
        finally:
            await rows.execute(altered, found["tenant_id"], found["seq"], found["actor_name"])
        assert said.returncode == 1
        assert re.search(rf"first wrong row: .*row {found['seq']}\b", said.stdout), said.stdout
        healed = await asyncio.to_thread(deployment.stack.gtv, "audit", "verify", check=False)
        assert healed.returncode == 0, healed.stdout


# --- asking ----------------------------------------------------------------------------------------------------------------


def _admin(deployment: Deployment) -> dict[str, str]:
    return {"email": deployment.stack.email, "password": deployment.stack.password}


def _kid(token: str) -> str:
    head = token.split(".", maxsplit=1)[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
