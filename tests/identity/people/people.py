"""What tests of people have in common: coming in, changing, and what was put on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
from tests.fixtures.tokens import TokenMint

from chassis.auth import Authenticator
from chassis.fakes import StaticRevocations
from gtvision.audit import Action, Outcome
from gtvision.tenancy import Caller, Role
from identity.people.domain.users import User
from identity.people.usecases.passwords import PasswordChanges
from identity.people.usecases.second_factors import SecondFactors
from identity.people.usecases.users import Change
from identity.sessions.usecases.logins import Credentials
from identity.sessions.usecases.opening import Guest, Opened

HOME = "203.0.113.7"
NEW = "telhado verde de zinco"
AsCaller = Callable[..., Caller]


async def log_in(house: Any, email: str, password: str, code: str | None = None, guest: Guest | None = None) -> Opened:
    opened: Opened = await house.logins.login(Credentials(email, password, code), guest or Guest(HOME))
    return opened


def passwords(house: Any) -> PasswordChanges:
    return PasswordChanges(house.uow, house.store, house.opening, house.ending, house.doors)


def factors(house: Any) -> SecondFactors:
    return SecondFactors(house.uow, house.store, house.doors, house.ending, house.clock)


async def verify(house: Any, opened: Opened) -> Caller:
    mint = TokenMint(house.clock)
    mint.revocations = StaticRevocations()
    judge: Authenticator = mint.authenticator()
    return await judge.verify(opened.access_token)


async def deeds(house: Any, user: User) -> list[tuple[Action | str, Outcome]]:
    return [(deed.action, deed.outcome) for deed in await house.deeds(user.tenant_id)]


async def reload(house: Any, user: User) -> User:
    async with house.uow(user.tenant_id) as work:
        found: User = await house.store(work).user(user.id)
    return found


async def change(house: Any, who: Caller, user: User, **given: Any) -> User:
    changed: User = await house.users.change_user(who, user.id, Change(frozenset(given), **given))
    return changed


async def with_code(house: Any, password: str, as_caller: AsCaller, role: Role = Role.OPERATOR) -> tuple[User, pyotp.TOTP, list[str]]:
    """Somebody with a second factor. The clock has moved on, so that the confirming code is spent but the next one is not."""
    user = await house.add_user(await house.add_tenant(), role)
    started = await factors(house).start(as_caller(user), password, HOME)
    totp = pyotp.TOTP(started.secret)
    codes = await factors(house).confirm(as_caller(user), totp.at(house.clock.now()), HOME)
    house.clock.advance(timedelta(seconds=60))
    return user, totp, codes
