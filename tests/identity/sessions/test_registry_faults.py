"""Tests of the verification of tokens in services while keys are rotated under load, Redis is killed and emptied, or identity is down."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.chassis.waiting import until
from tests.fixtures.workplace import TestServers
from tests.identity.running import KEYS, TOOL_KEY, Running

from chassis.auth import Authenticator, AuthRuntime
from chassis.db import Database
from chassis.redis import connect_redis
from gtvision.errors import SessionRevoked
from gtvision.time import SystemClock
from identity.app import create_api

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.fault, pytest.mark.usefixtures("no_throttle_left")]

ROTATIONS = 2


@asynccontextmanager
async def verifiers(running: Running, count: int) -> AsyncIterator[list[Authenticator]]:
    """Yields the authenticators of `count` services, each with connections and copies of its own."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(count):
            state = await stack.enter_async_context(connect_redis(running.settings.redis.state_url))
            found.append((await stack.enter_async_context(AuthRuntime(state, SystemClock()))).authenticator)
        yield found


async def gtv_keys(running: Running, *arguments: str) -> str:
    """Runs `gtv keys ...` in another process, which has the databases only, and returns its output."""
    env = {
        "DATABASE_URL": running.settings.db.url.get_secret_value(),
        "DATABASE_TIMEOUT_S": "60",
        "REDIS_CACHE_URL": running.settings.redis.cache_url.get_secret_value(),
        "REDIS_STATE_URL": running.settings.redis.state_url.get_secret_value(),
        "ENCRYPTION_KEYS": KEYS,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "identity", "keys", *arguments),
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, problems = await process.communicate()
    assert process.returncode == 0, problems.decode()
    assert "PRIVATE" not in said.decode() + problems.decode()
    return said.decode()


def kid_of(token: str) -> str:
    head = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


async def exchanged(running: Running) -> str:
    body = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": TOOL_KEY}
    answer = await running.http.post("/api/v1/auth/token", data=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def test_rotating_under_load_fails_no_request(running: Running) -> None:
    """Tokens of the new and of the former key are sent to every service, at once and until the end."""
    tokens: list[str] = []
    seen: set[str] = set()
    stop = asyncio.Event()

    async def make() -> None:
        while not stop.is_set():
            tokens.append(token := await exchanged(running))
            seen.add(kid_of(token))
            for judge in judges:
                await judge.verify(token)
            await asyncio.sleep(0.05)

    async def use() -> None:
        asked = 0
        while not stop.is_set() or asked == 0:
            for token in tokens[-5:] + tokens[:5]:
                judge = judges[asked % len(judges)]
                await judge.verify(token)
                answer = await running.http.get("/api/v1/users/me", headers={"authorization": f"Bearer {token}"})
                assert answer.status_code == 200, answer.text
                asked += 1
            await asyncio.sleep(0.05)

    async with verifiers(running, 5) as judges:
        async with asyncio.TaskGroup() as load:
            for _ in range(2):
                load.create_task(make())
            load.create_task(use())
            try:
                for _ in range(ROTATIONS):
                    said = await gtv_keys(running, "rotate", "--activate-after", "1")

                    async def signs(kid: str = said.split()[0]) -> bool:
                        return kid in seen

                    await until(signs)
                both = [await gtv_keys(running, "rotate", "--activate-after", after) for after in ("3", "1")]

                async def overtaken(kid: str = both[1].split()[0]) -> bool:
                    return kid in seen

                await until(overtaken)
            finally:
                stop.set()
        assert len(seen) > ROTATIONS
        for token in tokens:
            for judge in judges:
                await judge.verify(token)
    listed = await gtv_keys(running, "list")
    assert listed.splitlines()[0].split()[:2] == [both[1].split()[0], "signing"]
    published = (await running.http.get("/api/v1/.well-known/jwks.json")).json()["keys"]
    assert {key["kid"] for key in published} >= seen
    assert all(not {"d", "p", "q"} & key.keys() for key in published)


async def test_keys_and_rotations_are_kept_sealed(running: Running) -> None:
    await gtv_keys(running, "rotate")
    async with Database(running.settings.db, SystemClock()) as db, db.uow(None) as uow:
        rows = (await uow.session.execute(text("SELECT private_sealed FROM signing_key"))).all()
    assert rows
    assert all(row.private_sealed.startswith("v1.k1.") and "BEGIN" not in row.private_sealed for row in rows)


async def test_a_killed_and_an_emptied_redis_leave_revoked_sessions_revoked(running: Running, servers: TestServers) -> None:
    """Identity writes the revocations from PostgreSQL into Redis again, where services that start later find them."""
    gone, stays = await running.login(), await running.login()
    headers = {"authorization": f"Bearer {gone['access_token']}"}
    async with verifiers(running, 2) as judges:
        assert (await running.http.post("/api/v1/auth/logout", headers=headers)).status_code == 204

        async def refused(judge: Authenticator) -> bool:
            try:
                await judge.verify(gone["access_token"])
            except SessionRevoked:
                return True
            return False

        async def refused_everywhere() -> bool:
            return all([await refused(judge) for judge in judges])

        async def refused_by_identity() -> bool:
            return (await running.http.get("/api/v1/users/me", headers=headers)).status_code == 401

        await until(refused_everywhere)
        await until(refused_by_identity)  # identity has a copy of its own
        servers.runner.kill("redis-state")
        assert await refused_everywhere()
        for judge in judges:
            await judge.verify(stays["access_token"])
        assert await refused_by_identity()
        await servers.running("redis-state")
        async with servers.redis_state.client() as client:
            await client.flushall()
        assert await refused_everywhere()
        async with connect_redis(running.settings.redis.state_url) as state:
            late = AuthRuntime(state, SystemClock())

            async def knows() -> bool:
                await late.keys.load()
                await late.revocations.load()
                return late.revocations.epoch is not None and late.keys.known

            await until(knows)
            assert await refused(late.authenticator), "who starts now finds it"
            await late.authenticator.verify(stays["access_token"])
        assert await refused_everywhere()
        for judge in judges:
            await judge.verify(stays["access_token"])


async def test_a_dead_identity_leaves_valid_tokens_working(running: Running) -> None:
    settings = running.settings
    service = create_api(settings)
    async with service.started(), httpx.AsyncClient(transport=httpx.ASGITransport(service.api), base_url="http://test") as http:
        second = Running(service, http, settings)
        opened, ended = await second.login(), await second.login()
        await http.post("/api/v1/auth/logout", headers={"authorization": f"Bearer {ended['access_token']}"})
        async with verifiers(second, 2) as judges, connect_redis(settings.redis.state_url) as state:

            async def written() -> bool:
                return bool(await state.hexists("identity:revoked", ended["session_id"]))

            await until(written)
        # identity is down from here on; the verifiers below start afterwards
    async with verifiers(running, 2) as judges:
        for judge in judges:
            caller: Any = await judge.verify(opened["access_token"])
            assert str(caller.tenant_id) == opened["user"]["tenant_id"]
            with pytest.raises(SessionRevoked):
                await judge.verify(ended["access_token"])
