"""Tests of the gateways to Argon2, RSA and the state Redis."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from tests.fixtures.tokens import TokenMint

from chassis.auth import EPOCH_KEY, REVOKED_KEY, AuthRuntime
from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from gtvision.errors import RateLimited, SessionRevoked, Unavailable
from gtvision.ids import new_id
from gtvision.time import FakeClock, SystemClock
from identity.gateways import argon2
from identity.gateways.argon2 import Argon2Passwords
from identity.gateways.redis import RedisRegistry, RedisThrottle
from identity.gateways.signing import JoseTokens, RsaKeyMaker
from identity.keys.domain import OpenedKey


class TestArgon2:
    async def test_a_password_matches_its_hash_only(self) -> None:
        passwords = Argon2Passwords()
        made = await passwords.hash("correct horse battery")
        assert made.startswith("$argon2id$")
        assert await passwords.verify(made, "correct horse battery")
        assert not await passwords.verify(made, "wrong horse battery")
        assert not await passwords.verify("not a hash", "correct horse battery")

    async def test_an_unknown_user_is_compared_as_slowly_and_never_matches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        passwords = Argon2Passwords()
        assert not await passwords.verify(None, "\x00 unknown")

    async def test_runs_off_the_loop_and_few_at_a_time(self) -> None:
        passwords = Argon2Passwords(at_once=1, waiting=2)
        running, most, loop_thread = 0, 0, threading.get_ident()
        lock = threading.Lock()

        def slow(_text: str) -> str:
            nonlocal running, most
            assert threading.get_ident() != loop_thread
            with lock:
                running += 1
                most = max(most, running)
            release.wait(10)
            with lock:
                running -= 1
            return "done"

        release = threading.Event()
        waiting = [asyncio.create_task(passwords._run(slow, "x")) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(RateLimited):
            await passwords.hash("one too many")
        release.set()
        assert await asyncio.gather(*waiting) == ["done"] * 3
        assert most == 1

    def test_parameters_are_above_the_minimum_of_owasp(self) -> None:
        assert argon2._HASHER.memory_cost >= 19 * 1024
        assert argon2._HASHER.time_cost >= 2


class TestSigning:
    async def test_a_made_key_signs_what_its_public_half_verifies(self) -> None:
        kid, pem, jwk = await RsaKeyMaker().make()
        assert jwk["kid"] == kid
        assert len(jwk["n"]) * 6 >= 3072
        assert not {"d", "p", "q"} & jwk.keys()
        mint = TokenMint()
        tokens = JoseTokens(mint.clock)
        with pytest.raises(Unavailable):
            tokens.access_token(mint.caller())
        await tokens.load([OpenedKey(kid, pem, mint.clock.now())])
        from chassis.auth import Authenticator
        from chassis.fakes import StaticKeys, StaticRevocations

        judge = Authenticator(StaticKeys({"keys": [jwk]}), StaticRevocations(), mint.clock)
        caller = mint.caller()
        assert (await judge.verify(tokens.access_token(caller))).user_id == caller.user_id


@pytest.fixture
async def state(redis_state: RedisSettings) -> AsyncIterator[Redis]:
    client = connect_redis(redis_state.state_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.mark.broker
class TestRegistry:
    async def test_what_is_loaded_is_what_services_read(self, state: Redis) -> None:
        clock, mint, registry = SystemClock(), TokenMint(), RedisRegistry(state)
        assert not await registry.is_whole()
        revoked = mint.caller()
        async with AuthRuntime(state, clock) as auth:
            with pytest.raises(Unavailable):
                await auth.check()
            await registry.load(mint.jwks, {revoked.session_id: clock.now() + timedelta(minutes=15)}, clock.now())
            async with asyncio.timeout(60):
                while True:
                    try:
                        await auth.check()
                        break
                    except Unavailable:
                        await asyncio.sleep(0.02)
            assert await registry.is_whole()
            with pytest.raises(SessionRevoked):
                await auth.authenticator.verify(mint.token(revoked))
            caller = mint.caller()
            assert await auth.authenticator.verify(mint.token(caller)) == caller
            await registry.revoke(caller.session_id, clock.now() + timedelta(minutes=15))
            async with asyncio.timeout(60):
                while not auth.revocations.is_revoked(caller.session_id):
                    await asyncio.sleep(0.02)

    async def test_an_empty_redis_is_noticed(self, state: Redis) -> None:
        clock, registry = FakeClock(), RedisRegistry(state)
        await registry.load({"keys": []}, {}, clock.now())
        assert await registry.is_whole()
        await state.flushall()
        assert not await registry.is_whole()

    async def test_keys_that_another_process_rotated_are_noticed(self, state: Redis) -> None:
        clock, ours, theirs = FakeClock(), RedisRegistry(state), RedisRegistry(state)
        await ours.load({"keys": []}, {}, clock.now())
        await theirs.load({"keys": [{"kid": "new"}]}, {}, clock.now())
        assert not await ours.is_whole()
        assert await theirs.is_whole()

    async def test_what_has_ended_is_dropped_and_nothing_else(self, state: Redis) -> None:
        clock, registry = FakeClock(), RedisRegistry(state)
        past, fresh, listed = new_id(), new_id(), new_id()
        await registry.revoke(past, clock.now() - timedelta(minutes=1))
        await registry.revoke(fresh, clock.now() + timedelta(minutes=1))  # by another process, so not in this one's list yet
        await registry.load({"keys": []}, {listed: clock.now() + timedelta(minutes=2)}, clock.now())
        assert {field.decode() for field in await state.hkeys(REVOKED_KEY)} == {str(fresh), str(listed)}  # type: ignore[union-attr]
        assert await state.exists(EPOCH_KEY)

    async def test_a_lost_write_is_owed_until_the_next_load(self, state: Redis) -> None:
        clock = FakeClock()
        gone = connect_redis("redis://127.0.0.1:1/0", timeout_s=0.05, retries=0)
        registry = RedisRegistry(gone)
        with pytest.raises(Unavailable):
            await registry.revoke(new_id(), clock.now())
        with pytest.raises(Unavailable):
            await registry.is_whole()
        await gone.aclose()
        registry._redis = state
        await RedisRegistry(state).load({"keys": []}, {}, clock.now())
        assert not await registry.is_whole()
        await registry.load({"keys": []}, {}, clock.now())
        assert await registry.is_whole()


@pytest.mark.broker
class TestThrottle:
    async def test_only_the_sixth_attempt_of_a_pair_waits(self, state: Redis) -> None:
        throttle = RedisThrottle(state)
        for _ in range(5):
            await throttle.attempt("maria@example.org", "198.51.100.1")
        with pytest.raises(RateLimited) as refused:
            await throttle.attempt("maria@example.org", "198.51.100.1")
        assert timedelta(0) < refused.value.retry_after <= timedelta(minutes=5)
        await throttle.attempt("maria@example.org", "203.0.113.7")
        await throttle.attempt("joao@example.org", "198.51.100.1")

    async def test_a_success_forgets_the_attempts(self, state: Redis) -> None:
        throttle = RedisThrottle(state)
        for _ in range(250):
            await throttle.attempt("maria@example.org", "203.0.113.7")
            await throttle.succeeded("maria@example.org", "203.0.113.7")

    async def test_an_address_cannot_try_every_account(self, state: Redis) -> None:
        throttle = RedisThrottle(state)
        with pytest.raises(RateLimited):
            for number in range(101):
                await throttle.attempt(f"user{number}@example.org", "198.51.100.1")

    async def test_an_attack_from_everywhere_slows_new_addresses_only(self, state: Redis) -> None:
        throttle, victim = RedisThrottle(state), "maria@example.org"
        await throttle.attempt(victim, "203.0.113.7")
        await throttle.succeeded(victim, "203.0.113.7")
        for number in range(20):
            await throttle.attempt(victim, f"198.51.100.{number}")
        with pytest.raises(RateLimited) as refused:
            await throttle.attempt(victim, "198.51.100.20")
        assert timedelta(0) < refused.value.retry_after <= timedelta(minutes=15)
        for _ in range(5):  # from the user's usual address logins work as before
            await throttle.attempt(victim, "203.0.113.7")
        await throttle.succeeded(victim, "203.0.113.7")
        await throttle.attempt("joao@example.org", "198.51.100.20")

    async def test_a_success_in_the_end_removes_the_limit(self, state: Redis) -> None:
        throttle = RedisThrottle(state)
        for person in range(60):  # two attempts each, as with a second factor: 120 together
            for _ in range(2):
                await throttle.attempt(f"user{person}@example.org", "203.0.113.7")
            await throttle.succeeded(f"user{person}@example.org", "203.0.113.7")

    async def test_neither_account_nor_address_is_in_a_key(self, state: Redis) -> None:
        await RedisThrottle(state).attempt("maria@example.org", "198.51.100.1")
        names = b" ".join(await state.keys("*")).decode()  # type: ignore[arg-type]
        assert "maria" not in names
        assert "198.51" not in names

    async def test_without_redis_no_login_is_tried(self) -> None:
        gone = connect_redis("redis://127.0.0.1:1/0", timeout_s=0.05, retries=0)
        with pytest.raises(Unavailable):
            await RedisThrottle(gone).attempt("maria@example.org", "198.51.100.1")
        await gone.aclose()
