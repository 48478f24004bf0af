"""Passwords and codes: checking them, and resetting the password of others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.vault import Vault
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.tenancy import Caller
from identity.keys.domain import EndReason, RandomBytes
from identity.people.domain.passwords import WrongPassword, generated_password
from identity.people.domain.users import NoPassword, User, email_key
from identity.second_factors.domain import SecondFactor, matching_step, recovery_hash, seal_context

if TYPE_CHECKING:
    from identity.gateways.argon2 import Argon2Passwords
    from identity.gateways.redis import RedisThrottle
    from identity.people.usecases.accounts import Accounts
    from identity.repository import PostgresRows, RowsOf
    from identity.sessions.usecases.issuing import SessionRevoker

_BY_OPERATOR = {"by": "command line"}


@dataclass(frozen=True, slots=True)
class CredentialChecker:
    """Checks passwords and codes, counts the attempts, and makes new ones."""

    throttle: RedisThrottle
    passwords: Argon2Passwords
    random_bytes: RandomBytes
    vault: Vault

    async def check_password(self, user: User, password: str, address: str) -> None:
        """Check the password of a user who is signed in; wrong ones count as at a login. Call `forgive` once everything was right.

        Raises: WrongPassword, RateLimited, Unavailable.
        """
        await self.throttle.attempt(email_key(user.email), address)
        if not await self.passwords.verify(user.password_hash, password):
            raise WrongPassword

    async def forgive(self, user: User, address: str) -> None:
        """Forget the attempts that were needed. Raises: Unavailable."""
        await self.throttle.succeeded(email_key(user.email), address)

    async def spend_code(self, rows: PostgresRows, user: User, code: str, now: datetime) -> str | None:
        """Returns what the code was, "totp" or "recovery_code"; None where it is wrong or was used before.

        The user's row must be locked, so that one code opens no two sessions.
        """
        factor = user.second_factor
        if factor is None:
            return None
        step = matching_step(self.secret_of(user, factor), code, now, factor.last_step)
        if step is not None:
            await rows.save_user(replace(user, second_factor=replace(factor, last_step=step)))
            return "totp"
        return "recovery_code" if await rows.use_recovery_code(user.id, recovery_hash(user.id, code), now) else None

    def secret_of(self, user: User, factor: SecondFactor) -> str:
        """Returns the secret of the user's authenticator app."""
        return self.vault.open(factor.sealed, seal_context(user.tenant_id, user.id))


class Credentials:
    """Passwords of people. Every reset ends the user's sessions."""

    def __init__(self, uow: UowFactory, rows: RowsOf, accounts: Accounts, revoker: SessionRevoker, checker: CredentialChecker) -> None:
        self._uow, self._rows, self._accounts, self._revoker, self._checker = uow, rows, accounts, revoker, checker

    async def reset_password(self, caller: Caller, user_id: UUID) -> str:
        """Give another user a generated password, told once, that they must change at their next login.

        Raises: NotFound, OwnAccount, Forbidden, NoPassword, RateLimited.
        """
        password, new_hash = await self._generated()
        async with self._uow(caller.tenant_id) as uow:
            user = await self._accounts.other(uow, caller, user_id)
            await self._reset_password(uow, caller, user, new_hash)
        return password

    async def reset_password_of(self, email: str) -> str:
        """As `reset_password`, for an operator on the machine itself: the record names no user.

        Raises: NotFound, NoPassword, RateLimited.
        """
        found = await self._accounts.find(email)
        password, new_hash = await self._generated()
        async with self._uow(found.tenant_id) as uow:
            await self._reset_password(uow, None, await self._accounts.locked(uow, found.id), new_hash)
        return password

    async def _generated(self) -> tuple[str, str]:
        password = generated_password(self._checker.random_bytes)
        return password, await self._checker.passwords.hash(password)

    async def _reset_password(self, uow: UnitOfWork, caller: Caller | None, user: User, new_hash: str) -> None:
        if not user.has_password:
            raise NoPassword
        await self._rows(uow).save_user(replace(user, password_hash=new_hash, must_change_password=True))
        record(uow, Action.PASSWORD_RESET, caller, AuditEntry("user", user.id, details={} if caller else _BY_OPERATOR))
        await self._revoker.end_all(uow, user, EndReason.PASSWORD)
