"""Tests of the verbs of the second factor, on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
from tests.identity.people.people import HOME, AsCaller, audit_entries, factors, log_in, reload, verify, with_code
from tests.identity.wiring import Wiring

from gtvision.audit import Action, Outcome
from gtvision.errors import BadCredentials, NotFound, RateLimited
from gtvision.tenancy import Role
from identity.people.domain.passwords import WrongPassword
from identity.people.domain.users import OwnAccount
from identity.second_factors.domain import (
    NoSecondFactor,
    SecondFactorEnabled,
    SecondFactorInvalid,
    SecondFactorRequired,
    WrongCode,
)


class TestSecondFactor:
    async def test_a_password_alone_is_not_enough(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user, totp, _ = await with_code(wiring, password, as_caller)
        with pytest.raises(SecondFactorRequired):
            await log_in(wiring, user.email, password)
        with pytest.raises(SecondFactorInvalid):
            await log_in(wiring, user.email, password, "000000")
        opened = await log_in(wiring, user.email, password, totp.at(wiring.clock.now()))
        assert (await verify(wiring, opened)).user_id == user.id
        assert [record for record in await audit_entries(wiring, user) if record[0] != Action.SECOND_FACTOR_ENABLED] == [
            (Action.SESSION_REFUSED, Outcome.REFUSED),
            (Action.SESSION_REFUSED, Outcome.REFUSED),
            (Action.SESSION_OPENED, Outcome.ALLOWED),
        ]

    async def test_the_code_says_nothing_without_the_password(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user, totp, _ = await with_code(wiring, password, as_caller)
        with pytest.raises(BadCredentials):
            await log_in(wiring, user.email, "wrong", totp.at(wiring.clock.now()))
        with pytest.raises(BadCredentials):
            await log_in(wiring, user.email, "wrong", "000000")
        await log_in(wiring, user.email, password, totp.at(wiring.clock.now()))  # the refused login has not used the code

    async def test_a_code_is_good_once(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user, totp, _ = await with_code(wiring, password, as_caller)
        code = totp.at(wiring.clock.now())
        await log_in(wiring, user.email, password, code)
        with pytest.raises(SecondFactorInvalid):
            await log_in(wiring, user.email, password, code)
        with pytest.raises(SecondFactorInvalid):  # nor an older code of the window
            await log_in(wiring, user.email, password, totp.at(wiring.clock.now() - timedelta(seconds=30)))
        wiring.clock.advance(timedelta(seconds=30))
        await log_in(wiring, user.email, password, totp.at(wiring.clock.now()))

    async def test_the_code_that_enabled_it_opens_nothing(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        secret, _ = await factors(wiring).enrol(as_caller(user), password, HOME)
        code = pyotp.TOTP(secret).at(wiring.clock.now())
        await factors(wiring).confirm(as_caller(user), code, HOME)
        with pytest.raises(SecondFactorInvalid):
            await log_in(wiring, user.email, password, code)

    async def test_a_recovery_code_is_good_once(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user, _, codes = await with_code(wiring, password, as_caller)
        await log_in(wiring, user.email, password, codes[0].upper())
        with pytest.raises(SecondFactorInvalid):
            await log_in(wiring, user.email, password, codes[0])
        await log_in(wiring, user.email, password, codes[1])
        assert await wiring.recovery_codes_left(user) == 8

    async def test_guessing_is_throttled(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user, totp, _ = await with_code(wiring, password, as_caller)
        for _ in range(5):
            with pytest.raises(SecondFactorInvalid):
                await log_in(wiring, user.email, password, "000000")
        with pytest.raises(RateLimited):
            await log_in(wiring, user.email, password, totp.at(wiring.clock.now()))

    async def test_it_is_not_asked_for_until_it_was_confirmed(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        first, _ = await factors(wiring).enrol(as_caller(user), password, HOME)
        second, _ = await factors(wiring).enrol(as_caller(user), password, HOME)
        await log_in(wiring, user.email, password)
        with pytest.raises(WrongCode):
            await factors(wiring).confirm(as_caller(user), pyotp.TOTP(first).at(wiring.clock.now()), HOME)
        codes = await factors(wiring).confirm(as_caller(user), pyotp.TOTP(second).at(wiring.clock.now()), HOME)
        assert len(set(codes)) == 10
        with pytest.raises(SecondFactorEnabled):
            await factors(wiring).enrol(as_caller(user), password, HOME)
        with pytest.raises(SecondFactorEnabled):
            await factors(wiring).confirm(as_caller(user), "000000", HOME)

    async def test_starting_needs_the_password(self, wiring: Wiring, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        with pytest.raises(WrongPassword):
            await factors(wiring).enrol(as_caller(user), "wrong", HOME)
        with pytest.raises(NoSecondFactor):
            await factors(wiring).confirm(as_caller(user), "000000", HOME)

    async def test_disabling_needs_both(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user, totp, codes = await with_code(wiring, password, as_caller)
        caller = as_caller(user)
        with pytest.raises(WrongPassword):
            await factors(wiring).disable(caller, "wrong", totp.at(wiring.clock.now()), HOME)
        with pytest.raises(WrongCode):
            await factors(wiring).disable(caller, password, "000000", HOME)
        await factors(wiring).disable(caller, password, totp.at(wiring.clock.now()), HOME)
        with pytest.raises(NoSecondFactor):
            await factors(wiring).disable(caller, password, codes[0], HOME)
        await log_in(wiring, user.email, password)
        assert await wiring.recovery_codes_left(user) == 0
        assert (Action.SECOND_FACTOR_DISABLED, Outcome.ALLOWED) in await audit_entries(wiring, user)

    async def test_an_administrator_resets_it(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user, totp, _ = await with_code(wiring, password, as_caller)
        before = await log_in(wiring, user.email, password, totp.at(wiring.clock.now()))
        admin = await wiring.add_user(user.tenant_id, Role.ADMIN)
        with pytest.raises(OwnAccount):
            await factors(wiring).reset(as_caller(user), user.id)
        stranger = await wiring.add_user(await wiring.add_tenant(), Role.ADMIN)
        with pytest.raises(NotFound):
            await factors(wiring).reset(as_caller(stranger), user.id)
        await factors(wiring).reset(as_caller(admin), user.id)
        await factors(wiring).reset(as_caller(admin), user.id)
        assert before.session.id in wiring.registry.revoked
        await log_in(wiring, user.email, password)

    async def test_an_operator_of_the_machine_resets_it(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        """For the only administrator, whose second factor no other user can reset."""
        user, totp, codes = await with_code(wiring, password, as_caller, Role.ADMIN)
        before = [await log_in(wiring, user.email, password, each) for each in (totp.at(wiring.clock.now()), codes[0])]
        assert await factors(wiring).reset_of(f" {user.email.upper()} ") == 2
        assert set(wiring.registry.revoked) >= {each.session.id for each in before}
        await log_in(wiring, user.email, password)
        assert await wiring.recovery_codes_left(user) == 0
        reset = next(record for record in await wiring.audit_entries(user.tenant_id) if record.action == Action.SECOND_FACTOR_DISABLED)
        assert (reset.actor_id, reset.object_id, reset.details) == (None, str(user.id), {"by": "command line"})

    async def test_who_has_none_and_who_is_unknown_have_none_reset(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        opened = await log_in(wiring, user.email, password)
        for _ in range(2):
            with pytest.raises(NoSecondFactor, match=user.email):
                await factors(wiring).reset_of(user.email)
            await factors(wiring).enrol(as_caller(user), password, HOME)  # begun, not enabled, so no code is asked for
        for nobody in ("nobody@example.org", "no address"):
            with pytest.raises(NotFound, match=nobody):
                await factors(wiring).reset_of(nobody)
        assert opened.session.id not in wiring.registry.revoked
        assert Action.SECOND_FACTOR_DISABLED not in [action for action, _ in await audit_entries(wiring, user)]

    async def test_the_secret_is_sealed_for_its_owner(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user, _, codes = await with_code(wiring, password, as_caller)
        kept = (await reload(wiring, user)).second_factor
        assert kept is not None
        assert kept.sealed.startswith(f"second-factor:{user.tenant_id}:{user.id}|")
        assert not [code for code in codes if code in str(await wiring.emitted(user.tenant_id))]
