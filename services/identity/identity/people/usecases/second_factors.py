"""Enabling and disabling the second factor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from chassis.db import UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Forbidden, NotFound
from gtvision.tenancy import Caller
from gtvision.time import Clock
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
from identity.people.domain.users import OwnAccount, User, check_reach
from identity.people.usecases.addresses import find_by_email
from identity.people.usecases.doors import Doors
from identity.ports.store import Store, StoreOf
from identity.sessions.usecases.opening import Ending


@dataclass(frozen=True, slots=True)
class Started:
    """What an app needs to make codes; told once."""

    secret: str
    uri: str


class SecondFactors:
    """Codes of a phone's app."""

    def __init__(self, uow: UowFactory, store: StoreOf, doors: Doors, ending: Ending, clock: Clock) -> None:
        self._uow, self._store, self._doors, self._ending, self._clock = uow, store, doors, ending, clock

    async def start(self, who: Caller, password: str, address: str) -> Started:
        """A new secret. It is asked for only once it was confirmed; starting again replaces it.

        Raises: WrongPassword, SecondFactorEnabled, Forbidden, RateLimited, Unavailable.
        """
        user = await self._check_password(who, password, address)
        secret = new_secret(self._doors.chance)
        sealed = self._doors.sealer.seal(secret, seal_context(user.tenant_id, user.id))
        async with self._uow(who.tenant_id) as work:
            user = await self._own(self._store(work), who)
            if user.asks_for_a_code:
                raise SecondFactorEnabled
            await self._store(work).save_user(replace(user, second_factor=SecondFactor(sealed)))
        await self._doors.recognise(user, address)
        return Started(secret, otpauth_uri(secret, user.email))

    async def confirm(self, who: Caller, code: str, address: str) -> list[str]:
        """The first code enables the second factor and gives the recovery codes, told once.

        Raises: WrongCode, SecondFactorEnabled, NoSecondFactor, Forbidden, RateLimited, Unavailable.
        """
        await self._doors.throttle.attempt(f"code {who.user_id}", address)
        now = self._clock.now()
        codes = new_recovery_codes(self._doors.chance)
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            user = await self._own(store, who)
            factor = user.second_factor
            if factor is None:
                raise NoSecondFactor
            if factor.confirmed_at is not None:
                raise SecondFactorEnabled
            secret = self._doors.sealer.open(factor.sealed, seal_context(user.tenant_id, user.id))
            step = matching_step(secret, code, now, factor.last_step)
            if step is None:
                raise WrongCode
            await store.save_user(replace(user, second_factor=replace(factor, confirmed_at=now, last_step=step)))
            await store.replace_recovery_codes(user.id, [recovery_hash(user.id, each) for each in codes])
            record(work, Action.SECOND_FACTOR_ENABLED, who, AuditEntry("user", user.id))
        await self._doors.throttle.succeeded(f"code {who.user_id}", address)
        return codes

    async def disable(self, who: Caller, password: str, code: str, address: str) -> None:
        """Raises: WrongPassword, WrongCode, NoSecondFactor, Forbidden, RateLimited, Unavailable."""
        user = await self._check_password(who, password, address)
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            user = await self._own(store, who)
            if not user.asks_for_a_code:
                raise NoSecondFactor
            if await self._doors.spend_code(store, user, code, self._clock.now()) is None:
                raise WrongCode
            await self._remove(store, user)
            record(work, Action.SECOND_FACTOR_DISABLED, who, AuditEntry("user", user.id))
        await self._doors.recognise(user, address)

    async def reset(self, who: Caller, user_id: UUID) -> None:
        """Somebody lost phone and recovery codes: disable theirs, and end their sessions. Raises: NotFound, OwnAccount, Forbidden."""
        if user_id == who.user_id:
            raise OwnAccount
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            user = await store.user(user_id, lock=True)
            if user is None:
                raise NotFound
            check_reach(who, user.role, user.camera_groups)
            if user.second_factor is None:
                return
            await self._remove(store, user)
            record(work, Action.SECOND_FACTOR_DISABLED, who, AuditEntry("user", user.id))
            await self._ending.end_all(work, user)

    async def reset_by_email(self, email: str) -> int:
        """As `reset`, for an operator of the machine itself: nobody is named on record. Returns how many sessions it ended.

        Raises: NotFound, NoSecondFactor.
        """
        found = await find_by_email(self._uow, self._store, email)
        async with self._uow(found.tenant_id) as work:
            store = self._store(work)
            user = await store.user(found.id, lock=True)
            if user is None:
                raise NotFound
            if not user.asks_for_a_code:
                raise NoSecondFactor(f"{user.email} has no second factor.")
            await self._remove(store, user)
            record(work, Action.SECOND_FACTOR_DISABLED, None, AuditEntry("user", user.id, details={"by": "command line"}))
            return await self._ending.end_all(work, user)

    async def _remove(self, store: Store, user: User) -> None:
        await store.save_user(replace(user, second_factor=None))
        await store.replace_recovery_codes(user.id, [])

    async def _check_password(self, who: Caller, password: str, address: str) -> User:
        async with self._uow(who.tenant_id) as work:
            user = await self._own(self._store(work), who)
        await self._doors.check_again(user, password, address)
        return user

    async def _own(self, store: Store, who: Caller) -> User:
        """Locked until the transaction ends. A given password may have been read by others: it must be changed first."""
        user = await store.user(who.user_id, lock=True)
        if user is None:
            raise Forbidden("Only a person has a second factor.")
        if user.must_change_password:
            raise Forbidden("The password must be changed first.")
        return user
