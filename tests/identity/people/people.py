"""Helpers of the tests of people: logging in, changing users, and reading audit entries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
from tests.fixtures.tokens import TokenMint
from tests.identity.wiring import Wiring

from chassis.auth import Authenticator
from chassis.fakes import StaticRevocations
from gtvision.audit import Action, Outcome
from gtvision.patch import Patch
from gtvision.tenancy import Caller, Role
from identity.people.domain.users import User
from identity.people.usecases.credentials import Credentials
from identity.second_factors.usecases import SecondFactors
from identity.sessions.domain import ClientInfo, IssuedTokens
from identity.sessions.usecases.logins import PasswordLogin

HOME = "203.0.113.7"
NEW = "telhado verde de zinco"
AsCaller = Callable[..., Caller]


async def log_in(wiring: Wiring, email: str, password: str, code: str | None = None, guest: ClientInfo | None = None) -> IssuedTokens:
    opened: IssuedTokens = await wiring.logins.login(PasswordLogin(email, password, code), guest or ClientInfo(HOME))
    return opened


def passwords(wiring: Wiring) -> Credentials:
    return wiring.credentials


def factors(wiring: Wiring) -> SecondFactors:
    return wiring.second_factors


async def verify(wiring: Wiring, opened: IssuedTokens) -> Caller:
    mint = TokenMint(wiring.clock)
    mint.revocations = StaticRevocations()
    judge: Authenticator = mint.authenticator()
    return await judge.verify(opened.access_token)


async def audit_entries(wiring: Wiring, user: User) -> list[tuple[Action | str, Outcome]]:
    return [(record.action, record.outcome) for record in await wiring.audit_entries(user.tenant_id)]


async def reload(wiring: Wiring, user: User) -> User:
    async with wiring.uow(user.tenant_id) as uow:
        found: User = await wiring.rows(uow).user(user.id)
    return found


async def change(wiring: Wiring, caller: Caller, user: User, **given: Any) -> User:
    changed: User = await wiring.users.change_user(caller, user.id, Patch(given))
    return changed


async def with_code(wiring: Wiring, password: str, as_caller: AsCaller, role: Role = Role.OPERATOR) -> tuple[User, pyotp.TOTP, list[str]]:
    """Returns a user with a second factor. The clock has moved on, so the next code is valid, unlike the one that confirmed it."""
    user = await wiring.add_user(await wiring.add_tenant(), role)
    secret, _ = await factors(wiring).enrol(as_caller(user), password, HOME)
    totp = pyotp.TOTP(secret)
    codes = await factors(wiring).confirm(as_caller(user), totp.at(wiring.clock.now()), HOME)
    wiring.clock.advance(timedelta(seconds=60))
    return user, totp, codes
