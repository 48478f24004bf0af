"""Tests of the rotation of signing keys: no token is signed by a key that a service may not know yet."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.fixtures.tokens import TokenMint
from tests.identity.wiring import Wiring

from chassis.auth import Authenticator, public_jwk
from chassis.fakes import StaticKeys, StaticRevocations
from gtvision.errors import Unavailable
from gtvision.events import KeysRotated
from gtvision.ids import new_id
from gtvision.time import FakeClock
from identity.gateways.signing import JoseTokens, RsaKeyMaker
from identity.keys.domain import ACCESS_LIFETIME, MOST_PUBLISHED, OVERLAP, KeyState, SigningKey, TooManyKeys, signs, state_of
from identity.keys.usecases import SigningKeys

AFTER = timedelta(seconds=60)
_days = itertools.count(1)


@functools.cache
def pem(number: int) -> str:
    """Returns one of a few keys that the tests share, as making one takes a second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Maker(RsaKeyMaker):
    """The fake of `ports.KeyMaker`, with a few prepared keys, each under an id of its own."""

    def __init__(self) -> None:
        self.made = 0

    async def make(self) -> tuple[str, str, dict[str, str]]:
        kid, text = str(new_id()), pem(self.made % 3)
        self.made += 1
        return kid, text, public_jwk(text, kid)


class KeyRing:
    """A bootstrapped identity: the rotation, the publishing, and a verifier that knows the published keys."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.maker = Maker()
        self.tokens = JoseTokens(wiring.clock)
        self.operator = wiring.signing_keys
        self.keys = SigningKeys(wiring.uow, wiring.rows, self.tokens, wiring.registry, wiring.vault, wiring.clock)
        self.mint = TokenMint(wiring.clock)

    async def begin(self) -> None:
        await self.wiring.installation.ensure_signing_key(self.maker)
        await self.publish()

    async def publish(self) -> None:
        await self.keys.publish()

    async def rotate(self, after: timedelta = AFTER) -> SigningKey:
        return await self.operator.rotate(self.maker, after)

    def verifier(self) -> Authenticator:
        return Authenticator(StaticKeys(dict(self.wiring.registry.jwks)), StaticRevocations(), self.wiring.clock)

    @property
    def published(self) -> set[str]:
        return {key["kid"] for key in self.wiring.registry.jwks["keys"]}

    def signer(self) -> str:
        return self.tokens._now().kid

    async def token_is_good(self) -> bool:
        """Returns whether a token that is signed now is accepted by a verifier that knows the published keys."""
        caller = self.mint.caller()
        return await self.verifier().verify(self.tokens.access_token(caller)) == caller


@pytest.fixture
async def keyring(wiring: Wiring) -> KeyRing:
    """Moves the clock on by days, since the module's tests share the tables, so that the keys of the test before have retired."""
    wiring.clock.advance(timedelta(days=2 * next(_days)))
    await wiring.add_tenant()
    made = KeyRing(wiring)
    await made.begin()
    if len(made.published) > 1 or wiring.clock.now() - (await made.operator.list_keys())[0][0].created_at > OVERLAP:
        await made.rotate(timedelta(0))
        wiring.clock.advance(OVERLAP)
        await made.publish()
    return made


class TestRotation:
    async def test_a_key_is_published_before_it_signs_and_after_it_signed(self, wiring: Wiring, keyring: KeyRing) -> None:
        before = keyring.signer()
        key = await keyring.rotate()
        await keyring.publish()
        assert keyring.published == {before, key.kid}
        assert keyring.signer() == before
        wiring.clock.advance(AFTER - timedelta(seconds=1))
        assert keyring.signer() == before
        last_of_old = keyring.tokens.access_token(caller := keyring.mint.caller())
        wiring.clock.advance(timedelta(seconds=1))
        assert keyring.signer() == key.kid, "the new key signs from its time on, without another look at the database"
        wiring.clock.advance(ACCESS_LIFETIME - timedelta(seconds=2))
        await keyring.publish()
        assert await keyring.verifier().verify(last_of_old) == caller
        wiring.clock.advance(OVERLAP)
        await keyring.publish()
        assert keyring.published == {key.kid}
        assert [each["kid"] for each in keyring.keys.jwks["keys"]] == [key.kid]  # type: ignore[attr-defined]
        assert await keyring.token_is_good()

    @pytest.mark.parametrize("second_after", [timedelta(seconds=5), timedelta(minutes=10)])
    @pytest.mark.parametrize("pause", [timedelta(seconds=10), timedelta(minutes=2)])
    async def test_two_in_a_row_refuse_no_token(self, wiring: Wiring, keyring: KeyRing, second_after: timedelta, pause: timedelta) -> None:
        """A token that is signed at any half minute is accepted for its whole life, with all keys published meanwhile."""
        living: list[tuple[str, datetime]] = []

        async def pass_time(duration: timedelta) -> None:
            step = timedelta(seconds=30)
            while duration > timedelta(0):
                await keyring.publish()
                token = keyring.tokens.access_token(keyring.mint.caller())
                living.append((token, wiring.clock.now() + ACCESS_LIFETIME - timedelta(seconds=1)))
                verifier = keyring.verifier()
                for each, until in living:
                    if wiring.clock.now() <= until:
                        await verifier.verify(each)
                wiring.clock.advance(min(step, duration))
                duration -= step

        await keyring.rotate()
        await pass_time(pause)
        last = await keyring.rotate(second_after)
        await pass_time(timedelta(minutes=40))
        await keyring.publish()
        assert keyring.published == {last.kid}

    async def test_it_is_told_and_on_record(self, wiring: Wiring, keyring: KeyRing) -> None:
        async with wiring.uow(None) as uow:
            (first,) = await wiring.rows(uow).tenants(None, 1)
        key = await keyring.rotate()
        assert KeysRotated(kid=key.kid, signs_from=key.activates_at) in await wiring.facts(first.id)
        record = next(each for each in await wiring.audit_entries(first.id) if each.object_id == key.kid)
        assert (record.action, record.actor_id, record.object_kind) == ("keys.rotated", None, "signing_key")
        assert "PRIVATE" not in str(await wiring.emitted(first.id))

    async def test_without_the_state_store_nothing_is_rotated(self, wiring: Wiring, keyring: KeyRing) -> None:
        known = await keyring.operator.list_keys()
        wiring.registry.down = True
        with pytest.raises(Unavailable):
            await keyring.rotate()
        wiring.registry.down = False
        assert [key for key, _ in await keyring.operator.list_keys()] == [key for key, _ in known]

    async def test_a_key_that_was_not_published_does_not_sign(self, wiring: Wiring, keyring: KeyRing) -> None:
        before = keyring.signer()
        key = await keyring.rotate(timedelta(0))
        wiring.registry.down = True
        with pytest.raises(Unavailable):
            await keyring.publish()
        assert keyring.signer() == before
        wiring.registry.down = False
        await keyring.publish()
        assert keyring.signer() == key.kid

    async def test_too_many_published_keys_refuse_a_rotation(self, wiring: Wiring, keyring: KeyRing) -> None:
        while True:
            states = [state for _, state in await keyring.operator.list_keys()]
            if len(states) - states.count(KeyState.RETIRED) == MOST_PUBLISHED:
                break
            await keyring.rotate()
        with pytest.raises(TooManyKeys):
            await keyring.rotate()
        wiring.clock.advance(AFTER + OVERLAP)
        await keyring.rotate()

    async def test_the_private_half_of_a_retired_key_is_forgotten(self, wiring: Wiring, keyring: KeyRing) -> None:
        old = keyring.signer()
        await keyring.rotate()
        wiring.clock.advance(AFTER + OVERLAP)
        await keyring.publish()
        found = {key.kid: (key, state) for key, state in await keyring.operator.list_keys()}
        key, state = found[old]
        assert (state, key.private_sealed) == (KeyState.RETIRED, None)
        assert key.public_jwk["kid"] == old, "what it signed can still be looked at"

    async def test_a_restart_signs_with_what_signed_before(self, wiring: Wiring, keyring: KeyRing) -> None:
        await keyring.rotate()
        again = JoseTokens(wiring.clock)
        wiring.registry.down = True
        with pytest.raises(Unavailable):
            await SigningKeys(wiring.uow, wiring.rows, again, wiring.registry, wiring.vault, wiring.clock).publish()
        assert again._now().kid == keyring.signer(), "also without the state store"
        wiring.registry.down = False


class TestStates:
    def key(self, name: str, made: int, activates: int, retires: int | None = None) -> SigningKey:
        at = FakeClock().now()
        seconds = [at + timedelta(seconds=each) for each in (made, activates)]
        return SigningKey(name, "sealed", {}, seconds[0], seconds[1], None if retires is None else at + timedelta(seconds=retires))

    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            (0, ["waiting", "signing"]),
            (60, ["signing", "verifying"]),
            (1_259, ["signing", "verifying"]),
            (1_260, ["signing", "retired"]),
        ],
    )
    def test_what_each_does(self, at: int, expected: Sequence[str]) -> None:
        keys = [self.key("new", 0, 60), self.key("old", -100, -100, 1_260)]
        now = FakeClock().now() + timedelta(seconds=at)
        assert [str(state_of(key, keys, now)) for key in keys] == expected

    def test_an_impatient_second_rotation_overtakes_the_first(self) -> None:
        """The newest key signs as soon as it may; the one before it, which has not signed yet, retires without signing."""
        keys = [self.key("third", 10, 15), self.key("second", 0, 60, 1_215), self.key("first", -100, -100, 1_260)]
        found = [signs(keys, FakeClock().now() + timedelta(seconds=at)) for at in (14, 15, 61, 2_000)]
        assert [key.kid for key in found if key] == ["first", "third", "third", "third"]
