"""Coming in with a password, and with the code of a second factor where there is one."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.db import UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action, Outcome
from gtvision.errors import BadCredentials, Unauthenticated
from gtvision.time import Clock
from identity import metrics
from identity.people.domain.second_factors import SecondFactorInvalid, SecondFactorRequired
from identity.people.domain.users import InvalidEmail, User, email_key
from identity.people.usecases.doors import Doors
from identity.ports.store import Store, StoreOf
from identity.sessions.usecases.opening import Guest, Opened, Opening


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody says to come in."""

    email: str
    password: str
    code: str | None = None


class Logins:
    """People at the door."""

    def __init__(self, uow: UowFactory, store: StoreOf, opening: Opening, doors: Doors, clock: Clock) -> None:
        self._uow, self._store, self._opening, self._doors, self._clock = uow, store, opening, doors, clock

    async def login(self, said: Credentials, guest: Guest) -> Opened:
        """Open a session. Whether the account exists shows neither in the answer nor in how long it takes.

        Raises: BadCredentials, SecondFactorRequired, SecondFactorInvalid, RateLimited, Unavailable.
        """
        try:
            account = email_key(said.email)
        except InvalidEmail:
            account = ""
        await self._doors.throttle.attempt(account, guest.address)
        async with self._uow(None) as work:
            known = await self._store(work).find_login(account)
        right = await self._doors.passwords.verify(known.password_hash if known else None, said.password)
        try:
            opened = await self._enter(known, right, said, guest)
        except Unauthenticated as refusal:
            metrics.LOGINS.labels("refused").inc()
            await self._write_down(known, refusal)
            raise
        await self._doors.throttle.succeeded(account, guest.address)
        metrics.LOGINS.labels("opened").inc()
        return opened

    async def _enter(self, known: User | None, right: bool, said: Credentials, guest: Guest) -> Opened:
        if known is None or known.is_disabled or not right:
            raise BadCredentials
        async with self._uow(known.tenant_id) as work:
            store = self._store(work)
            user = await store.user(known.id, lock=True)  # whoever disables them now waits, and then finds this session
            if user is None or user.is_disabled or user.password_hash != known.password_hash:
                raise BadCredentials
            how = "password"
            if user.asks_for_a_code:
                how = await self._spend_code(store, user, said.code)
            return await self._opening.open(work, user, guest, how)

    async def _spend_code(self, store: Store, user: User, code: str | None) -> str:
        if code is None:
            raise SecondFactorRequired
        how = await self._doors.spend_code(store, user, code, self._clock.now())
        if how is None:
            raise SecondFactorInvalid
        return how

    async def _write_down(self, known: User | None, refusal: Unauthenticated) -> None:
        """On record where there is a tenant to keep it. A transaction of its own: the one that was refused is gone."""
        async with self._uow(known.tenant_id if known else None) as work:
            if known is None:
                await self._store(work).write_nothing()
                return
            reason = "disabled" if known.is_disabled else refusal.code
            entry = AuditEntry("user", known.id, details={"reason": reason}, outcome=Outcome.REFUSED)
            record(work, Action.SESSION_REFUSED, None, entry)
