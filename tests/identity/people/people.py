"""Helpers of the tests of people: logging in, changing users, and reading audit entries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
from tests.fixtures.tokens import TokenMint
from tests.identity.house import House

from chassis.auth import Authenticator
from chassis.fakes import StaticRevocations
from gtvision.audit import Action, Outcome
from gtvision.patch import Patch
from gtvision.tenancy import Caller, Role
from identity.people.domain.users import User
from identity.people.usecases.credentials import Credentials
from identity.sessions.domain import ClientInfo, IssuedTokens
from identity.sessions.usecases.logins import PasswordLogin

HOME = "203.0.113.7"
NEW = "telhado verde de zinco"
AsCaller = Callable[..., Caller]


async def log_in(house: House, email: str, password: str, code: str | None = None, guest: ClientInfo | None = None) -> IssuedTokens:
    opened: IssuedTokens = await house.logins.login(PasswordLogin(email, password, code), guest or ClientInfo(HOME))
    return opened


def passwords(house: House) -> Credentials:
    return house.credentials


def factors(house: House) -> Credentials:
    return house.credentials


async def verify(house: House, opened: IssuedTokens) -> Caller:
    mint = TokenMint(house.clock)
    mint.revocations = StaticRevocations()
    judge: Authenticator = mint.authenticator()
    return await judge.verify(opened.access_token)


async def deeds(house: House, user: User) -> list[tuple[Action | str, Outcome]]:
    return [(deed.action, deed.outcome) for deed in await house.deeds(user.tenant_id)]


async def reload(house: House, user: User) -> User:
    async with house.uow(user.tenant_id) as uow:
        found: User = await house.rows(uow).user(user.id)
    return found


async def change(house: House, caller: Caller, user: User, **given: Any) -> User:
    changed: User = await house.users.change_user(caller, user.id, Patch(given))
    return changed


async def with_code(house: House, password: str, as_caller: AsCaller, role: Role = Role.OPERATOR) -> tuple[User, pyotp.TOTP, list[str]]:
    """Returns a user with a second factor. The clock has moved on, so the next code is valid, unlike the one that confirmed it."""
    user = await house.add_user(await house.add_tenant(), role)
    secret, _ = await factors(house).enrol(as_caller(user), password, HOME)
    totp = pyotp.TOTP(secret)
    codes = await factors(house).confirm_second_factor(as_caller(user), totp.at(house.clock.now()), HOME)
    house.clock.advance(timedelta(seconds=60))
    return user, totp, codes
