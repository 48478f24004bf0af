"""Passwords and second factors: checking them, changing one's own, and resetting those of others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.vault import Vault
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Forbidden, NotFound
from gtvision.tenancy import Caller
from gtvision.time import Clock
from identity.keys.domain import RandomBytes
from identity.people.domain.passwords import WrongPassword, generated_password
from identity.people.domain.second_factors import (
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
from identity.people.domain.users import InvalidEmail, NoPassword, OwnAccount, User, check_reach, email_key

if TYPE_CHECKING:
    from identity.gateways.argon2 import Argon2Passwords
    from identity.gateways.redis import RedisThrottle
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
    """Passwords and second factors of people. Every reset ends the user's sessions."""

    def __init__(self, uow: UowFactory, rows: RowsOf, revoker: SessionRevoker, checker: CredentialChecker, clock: Clock) -> None:
        self._uow, self._rows, self._revoker, self._checker, self._clock = uow, rows, revoker, checker, clock

    # --- passwords ---------------------------------------------------------------------------------------------------------

    async def reset_password(self, caller: Caller, user_id: UUID) -> str:
        """Give another user a generated password, told once, that they must change at their next login.

        Raises: NotFound, OwnAccount, Forbidden, NoPassword, RateLimited.
        """
        password, new_hash = await self._generated()
        async with self._uow(caller.tenant_id) as uow:
            user = await self._other(uow, caller, user_id)
            await self._reset_password(uow, caller, user, new_hash)
        return password

    async def reset_password_of(self, email: str) -> str:
        """As `reset_password`, for an operator on the machine itself: the record names no user.

        Raises: NotFound, NoPassword, RateLimited.
        """
        found = await self._find(email)
        password, new_hash = await self._generated()
        async with self._uow(found.tenant_id) as uow:
            await self._reset_password(uow, None, await self._locked(uow, found.id), new_hash)
        return password

    async def _generated(self) -> tuple[str, str]:
        password = generated_password(self._checker.random_bytes)
        return password, await self._checker.passwords.hash(password)

    async def _reset_password(self, uow: UnitOfWork, caller: Caller | None, user: User, new_hash: str) -> None:
        if not user.has_password:
            raise NoPassword
        await self._rows(uow).save_user(replace(user, password_hash=new_hash, must_change_password=True))
        record(uow, Action.PASSWORD_RESET, caller, AuditEntry("user", user.id, details={} if caller else _BY_OPERATOR))
        await self._revoker.end_all(uow, user)

    # --- second factors ----------------------------------------------------------------------------------------------------

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

    async def confirm_second_factor(self, caller: Caller, code: str, address: str) -> list[str]:
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
            await self._rows(uow).replace_recovery_codes(user, [recovery_hash(user.id, each) for each in codes])
            record(uow, Action.SECOND_FACTOR_ENABLED, caller, AuditEntry("user", user.id))
        await self._checker.throttle.succeeded(f"code {caller.user_id}", address)
        return codes

    async def disable_second_factor(self, caller: Caller, password: str, code: str, address: str) -> None:
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

    async def reset_second_factor(self, caller: Caller, user_id: UUID) -> None:
        """Disable the second factor of a user who lost phone and recovery codes. Raises: NotFound, OwnAccount, Forbidden."""
        async with self._uow(caller.tenant_id) as uow:
            user = await self._other(uow, caller, user_id)
            if user.second_factor is None:
                return
            await self._remove_second_factor(uow, caller, user)
            await self._revoker.end_all(uow, user)

    async def reset_second_factor_of(self, email: str) -> int:
        """As `reset_second_factor`, for an operator on the machine itself. Returns how many sessions it ended.

        Raises: NotFound, NoSecondFactor.
        """
        found = await self._find(email)
        async with self._uow(found.tenant_id) as uow:
            user = await self._locked(uow, found.id)
            if not user.asks_for_a_code:
                raise NoSecondFactor(f"{user.email} has no second factor.")
            await self._remove_second_factor(uow, None, user)
            return await self._revoker.end_all(uow, user)

    async def _remove_second_factor(self, uow: UnitOfWork, caller: Caller | None, user: User) -> None:
        await self._rows(uow).save_user(replace(user, second_factor=None))
        await self._rows(uow).replace_recovery_codes(user, [])
        record(uow, Action.SECOND_FACTOR_DISABLED, caller, AuditEntry("user", user.id, details={} if caller else _BY_OPERATOR))

    # --- whose -------------------------------------------------------------------------------------------------------------

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

    async def _other(self, uow: UnitOfWork, caller: Caller, user_id: UUID) -> User:
        """Another user, locked, whom the caller may change. Raises: NotFound, OwnAccount, Forbidden."""
        if user_id == caller.user_id:
            raise OwnAccount
        user = await self._locked(uow, user_id)
        check_reach(caller, user.role, user.camera_groups)
        return user

    async def _locked(self, uow: UnitOfWork, user_id: UUID) -> User:
        user = await self._rows(uow).user(user_id, lock=True)
        if user is None:
            raise NotFound
        return user

    async def _find(self, email: str) -> User:
        """The user with this address, of whichever tenant. Raises: NotFound, also for what is no address."""
        try:
            login = email_key(email)
        except InvalidEmail:
            raise NotFound(f"There is no user {email}.") from None
        async with self._uow(None) as uow:
            found = await self._rows(uow).find_login(login)
        if found is None:
            raise NotFound(f"There is no user {email}.")
        return found
