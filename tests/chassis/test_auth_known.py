"""Tests of the signing keys and revocations that a process knows while Redis is new, slow, emptied or down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from tests.chassis.forging import Forger
from tests.fixtures.tokens import TokenMint, private_key_pem

from chassis.auth import (
    EPOCH_KEY,
    JWKS_KEY,
    REVOCATIONS_CHANNEL,
    REVOKED_KEY,
    Authenticator,
    AuthRuntime,
    RedisKeys,
    RedisRevocations,
    TokenSigner,
)
from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from gtvision.errors import SessionRevoked, Unauthenticated, Unavailable
from gtvision.ids import new_id
from gtvision.time import FakeClock

from .waiting import until


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def mint(clock: FakeClock) -> TokenMint:
    return TokenMint(clock)


@pytest.fixture
async def redis(redis_state: RedisSettings) -> AsyncIterator[Redis]:
    client = connect_redis(redis_state.state_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.mark.broker
async def test_before_the_first_epoch_a_token_is_unavailable(redis: Redis, mint: TokenMint) -> None:
    async with AuthRuntime(redis, mint.clock) as auth:
        with pytest.raises(Unavailable):
            await auth.authenticator.verify(mint.token())
        with pytest.raises(Unavailable):
            await auth.check()
        await redis.set(JWKS_KEY, json.dumps(mint.jwks))
        await auth.keys.load()
        with pytest.raises(Unavailable):
            await auth.authenticator.verify(mint.token())
        await redis.set(EPOCH_KEY, "1")
        await auth.revocations.load()
        await auth.authenticator.verify(mint.token())
        await auth.check()


@pytest.mark.broker
async def test_a_revocation_arrives_by_itself(redis: Redis, mint: TokenMint) -> None:
    await mint.publish(redis)
    caller = mint.caller()
    token = mint.token(caller)
    async with AuthRuntime(redis, mint.clock) as auth:
        await auth.authenticator.verify(token)
        await mint.revoke(redis, caller.session_id)
        await until(lambda: auth.revocations.is_revoked(caller.session_id))
        with pytest.raises(SessionRevoked):
            await auth.authenticator.verify(token)


@pytest.mark.broker
async def test_a_revocation_is_told_at_once(redis: Redis, mint: TokenMint) -> None:
    await mint.publish(redis)
    caller = mint.caller()
    async with AuthRuntime(redis, mint.clock, poll_s=3_600) as auth, asyncio.timeout(120):
        while not dict(await redis.pubsub_numsub(REVOCATIONS_CHANNEL)).get(REVOCATIONS_CHANNEL.encode()):
            await asyncio.sleep(0.01)
        await mint.revoke(redis, caller.session_id)
        await until(lambda: auth.revocations.is_revoked(caller.session_id))


@pytest.mark.broker
async def test_an_emptied_redis_revives_no_session(redis: Redis, mint: TokenMint) -> None:
    await mint.publish(redis)
    caller = mint.caller()
    await mint.revoke(redis, caller.session_id)
    revocations, keys = RedisRevocations(redis, mint.clock), RedisKeys(redis, mint.clock)
    await revocations.load()
    await keys.load()
    await redis.flushall()
    await revocations.load()
    await keys.load()
    assert revocations.is_revoked(caller.session_id)
    assert not revocations.is_revoked(new_id()), "and the others stay"
    assert keys.find(mint.signer.kid) is not None


@pytest.mark.broker
async def test_a_revocation_is_forgotten_only_long_after_its_end(redis: Redis, mint: TokenMint, clock: FakeClock) -> None:
    await mint.publish(redis)
    session = new_id()
    await mint.revoke(redis, session)
    revocations = RedisRevocations(redis, clock)
    await revocations.load()
    await redis.delete(REVOKED_KEY)
    clock.advance(3_600 + 900)
    await revocations.load()
    assert revocations.is_revoked(session), "a clock may jump an hour and back"
    clock.advance(3_600 + 1)
    await revocations.load()
    assert not revocations.is_revoked(session)


@pytest.mark.broker
async def test_without_redis_the_copies_go_on(redis: Redis, mint: TokenMint) -> None:
    await mint.publish(redis)
    revocations, keys = RedisRevocations(redis, mint.clock), RedisKeys(redis, mint.clock)
    await revocations.load()
    await keys.load()
    dead = connect_redis("redis://127.0.0.1:1/0")
    for copy in (revocations, keys):
        copy._redis = dead
        await copy.load()
    await Authenticator(keys, revocations, mint.clock).verify(mint.token())
    await dead.aclose()


@pytest.mark.broker
async def test_unreadable_entries_spoil_nothing(redis: Redis, mint: TokenMint) -> None:
    await mint.publish(redis)
    caller = mint.caller()
    await mint.revoke(redis, caller.session_id)
    await redis.hset(REVOKED_KEY, mapping={"nonsense": "1", str(new_id()): "never"})
    await redis.hset(REVOKED_KEY, b"\xff\xfe", "1")
    revocations, keys = RedisRevocations(redis, mint.clock), RedisKeys(redis, mint.clock)
    await revocations.load()
    assert revocations.is_revoked(caller.session_id)
    await keys.load()
    await redis.set(JWKS_KEY, b"\xff{")
    await keys.load()
    assert keys.find(mint.signer.kid) is not None


@pytest.fixture
async def verifier(redis: Redis, mint: TokenMint) -> tuple[Authenticator, RedisKeys]:
    """Returns an authenticator that has read the mint's key and gets no notice of later keys."""
    await mint.publish(redis)
    keys, revocations = RedisKeys(redis, mint.clock), RedisRevocations(redis, mint.clock)
    await keys.load()
    await revocations.load()
    return Authenticator(keys, revocations, mint.clock), keys


async def _looks(redis: Redis) -> int:
    return int((await redis.info("commandstats"))["cmdstat_get"]["calls"])


@pytest.mark.broker
async def test_a_new_key_is_looked_up_even_just_after_a_look(
    redis: Redis, mint: TokenMint, verifier: tuple[Authenticator, RedisKeys]
) -> None:
    authenticator, _ = verifier
    forger = Forger(mint)
    with pytest.raises(Unauthenticated):
        await authenticator.verify(forger.signed(forger.header | {"kid": "made-up"}))
    following = TokenSigner(private_key_pem("second"), "second", mint.clock)
    await redis.set(JWKS_KEY, json.dumps({"keys": [mint.signer.jwk(), following.jwk()]}))
    assert await authenticator.verify(following.access_token(mint.caller()))


@pytest.mark.broker
async def test_made_up_keys_share_a_look(redis: Redis, mint: TokenMint, verifier: tuple[Authenticator, RedisKeys]) -> None:
    authenticator, _ = verifier
    forger = Forger(mint)
    tokens = [forger.signed(forger.header | {"kid": f"made-up-{number}"}) for number in range(200)]
    before = await _looks(redis)
    refused = await asyncio.gather(*(authenticator.verify(token) for token in tokens), return_exceptions=True)
    assert {type(each) for each in refused} == {Unauthenticated}
    assert await _looks(redis) - before == 1


@pytest.mark.broker
async def test_a_good_token_among_made_up_ones_is_not_refused(
    redis: Redis, mint: TokenMint, verifier: tuple[Authenticator, RedisKeys]
) -> None:
    """A key that is published while another token's look-up is under way is found by a look-up of its own."""
    authenticator, keys = verifier
    forger, following = Forger(mint), TokenSigner(private_key_pem("second"), "second", mint.clock)
    made_up = [authenticator.verify(forger.signed(forger.header | {"kid": f"made-up-{number}"})) for number in range(50)]
    flood = asyncio.gather(*made_up, return_exceptions=True)
    await keys.load()
    await redis.set(JWKS_KEY, json.dumps({"keys": [mint.signer.jwk(), following.jwk()]}))
    assert await authenticator.verify(following.access_token(mint.caller()))
    assert {type(each) for each in await flood} == {Unauthenticated}
