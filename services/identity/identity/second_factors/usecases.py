"""Verbs of the second factor: enabling it, disabling it, and removing that of a user who lost it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Forbidden
from gtvision.tenancy import Caller
from gtvision.time import Clock
from identity.keys.domain import EndReason
from identity.second_factors.domain import (
    NoSecondFactor,
    SecondFactor,
    SecondFactorEnabled,
    WrongCode,
    matching_step,
    new_recovery_codes,
    new_secret,
    otpauth_uri,
    recovery_hash,
    seal_context,
)

if TYPE_CHECKING:
    from identity.people.domain.users import User
    from identity.people.usecases.accounts import Accounts
    from identity.people.usecases.credentials import CredentialChecker
    from identity.repository import RowsOf
    from identity.sessions.usecases.issuing import SessionRevoker

_BY_OPERATOR = {"by": "command line"}


class SecondFactors:
    """Second factors of people. A reset ends the user's sessions."""

    def __init__(
        self, uow: UowFactory, rows: RowsOf, accounts: Accounts, revoker: SessionRevoker, checker: CredentialChecker, clock: Clock
    ) -> None:
        self._uow, self._rows, self._accounts, self._revoker, self._checker, self._clock = uow, rows, accounts, revoker, checker, clock

    async def enrol(self, caller: Caller, password: str, address: str) -> tuple[str, str]:
        """Returns a new secret and its address for authenticator apps. A code is asked for only once it was confirmed; enrolling again
        replaces it.

        Raises: WrongPassword, SecondFactorEnabled, Forbidden, RateLimited, Unavailable.
        """
        user = await self._check_own_password(caller, password, address)
        secret = new_secret(self._checker.random_bytes)
        sealed = self._checker.vault.seal(secret, seal_context(user.tenant_id, user.id))
        async with self._uow(caller.tenant_id) as uow:
            user = await self._own(uow, caller)
            if user.asks_for_a_code:
                raise SecondFactorEnabled
            await self._rows(uow).save_user(replace(user, second_factor=SecondFactor(sealed)))
        await self._checker.forgive(user, address)
        return secret, otpauth_uri(secret, user.email)

    async def confirm(self, caller: Caller, code: str, address: str) -> list[str]:
        """Enable the second factor with a first code. Returns the recovery codes, told once.

        Raises: WrongCode, SecondFactorEnabled, NoSecondFactor, Forbidden, RateLimited, Unavailable.
        """
        await self._checker.throttle.attempt(f"code {caller.user_id}", address)
        now = self._clock.now()
        codes = new_recovery_codes(self._checker.random_bytes)
        async with self._uow(caller.tenant_id) as uow:
            user = await self._own(uow, caller)
            factor = user.second_factor
            if factor is None:
                raise NoSecondFactor
            if factor.confirmed_at is not None:
                raise SecondFactorEnabled
            step = matching_step(self._checker.secret_of(user, factor), code, now, factor.last_step)
            if step is None:
                raise WrongCode
            await self._rows(uow).save_user(replace(user, second_factor=replace(factor, confirmed_at=now, last_step=step)))
            await self._rows(uow).replace_recovery_codes(user.tenant_id, user.id, [recovery_hash(user.id, each) for each in codes])
            record(uow, Action.SECOND_FACTOR_ENABLED, caller, AuditEntry("user", user.id))
        await self._checker.throttle.succeeded(f"code {caller.user_id}", address)
        return codes

    async def disable(self, caller: Caller, password: str, code: str, address: str) -> None:
        """Raises: WrongPassword, WrongCode, NoSecondFactor, Forbidden, RateLimited, Unavailable."""
        await self._check_own_password(caller, password, address)
        async with self._uow(caller.tenant_id) as uow:
            user = await self._own(uow, caller)
            if not user.asks_for_a_code:
                raise NoSecondFactor
            if await self._checker.spend_code(self._rows(uow), user, code, self._clock.now()) is None:
                raise WrongCode
            await self._remove_second_factor(uow, caller, user)
        await self._checker.forgive(user, address)

    async def reset(self, caller: Caller, user_id: UUID) -> None:
        """Disable the second factor of a user who lost phone and recovery codes. Raises: NotFound, OwnAccount, Forbidden."""
        async with self._uow(caller.tenant_id) as uow:
            user = await self._accounts.other(uow, caller, user_id)
            if user.second_factor is None:
                return
            await self._remove_second_factor(uow, caller, user)
            await self._revoker.end_all(uow, user, EndReason.SECOND_FACTOR)

    async def reset_of(self, email: str) -> int:
        """As `reset`, for an operator on the machine itself. Returns how many sessions it ended.

        Raises: NotFound, NoSecondFactor.
        """
        found = await self._accounts.find(email)
        async with self._uow(found.tenant_id) as uow:
            user = await self._accounts.locked(uow, found.id)
            if not user.asks_for_a_code:
                raise NoSecondFactor(f"{user.email} has no second factor.")
            await self._remove_second_factor(uow, None, user)
            return await self._revoker.end_all(uow, user, EndReason.SECOND_FACTOR)

    async def _remove_second_factor(self, uow: UnitOfWork, caller: Caller | None, user: User) -> None:
        await self._rows(uow).save_user(replace(user, second_factor=None))
        await self._rows(uow).replace_recovery_codes(user.tenant_id, user.id, [])
        record(uow, Action.SECOND_FACTOR_DISABLED, caller, AuditEntry("user", user.id, details={} if caller else _BY_OPERATOR))

    async def _check_own_password(self, caller: Caller, password: str, address: str) -> User:
        async with self._uow(caller.tenant_id) as uow:
            user = await self._own(uow, caller)
        await self._checker.check_password(user, password, address)
        return user

    async def _own(self, uow: UnitOfWork, caller: Caller) -> User:
        """The caller, locked. A password that was given to them may have been read by others: it must be changed first."""
        user = await self._rows(uow).user(caller.user_id, lock=True)
        if user is None:
            raise Forbidden("Only a person has a second factor.")
        if user.must_change_password:
            raise Forbidden("The password must be changed first.")
        return user
