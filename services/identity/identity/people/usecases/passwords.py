"""Changing one's password, and giving somebody a new one."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Forbidden, NotFound, SessionRevoked
from gtvision.tenancy import Caller
from identity.people.domain.passwords import SamePassword, WrongPassword, check_password, generated_password
from identity.people.domain.users import NoPassword, OwnAccount, User, check_reach
from identity.people.usecases.addresses import find_by_email
from identity.people.usecases.doors import Doors
from identity.ports.store import StoreOf
from identity.sessions.usecases.opening import Ending, Guest, Opened, Opening


class PasswordChanges:
    """Every change ends the sessions that the old password opened."""

    def __init__(self, uow: UowFactory, store: StoreOf, opening: Opening, ending: Ending, doors: Doors) -> None:
        self._uow, self._store, self._opening, self._ending, self._doors = uow, store, opening, ending, doors

    async def change_password(self, who: Caller, current: str, new: str, address: str) -> Opened:
        """Change one's own password; gives a fresh session of the same client, and ends all others.

        Raises: WrongPassword, WeakPassword, SamePassword, SessionRevoked, Forbidden, RateLimited, Unavailable.
        """
        async with self._uow(who.tenant_id) as work:
            user, tenant = await self._store(work).user(who.user_id), await self._store(work).tenant(who.tenant_id)
        if user is None or tenant is None:
            raise Forbidden("Only a person has a password.")
        await self._doors.check_again(user, current, address)
        check_password(new, user.email, tenant.name)
        if new == current:
            raise SamePassword
        new_hash = await self._doors.passwords.hash(new)
        async with self._uow(who.tenant_id) as work:
            opened = await self._change(work, who, user, new_hash)
        await self._doors.recognise(user, address)
        return opened

    async def _change(self, work: UnitOfWork, who: Caller, known: User, new_hash: str) -> Opened:
        store = self._store(work)
        user, session = await store.user(known.id, lock=True), await store.session(who.session_id)
        if user is None or session is None or user.password_hash != known.password_hash:
            raise WrongPassword
        if user.is_disabled or session.revoked_until is not None:
            raise SessionRevoked  # while the new password was hashed
        fresh = replace(user, password_hash=new_hash, must_change_password=False)
        await store.save_user(fresh)
        record(work, Action.PASSWORD_CHANGED, who, AuditEntry("user", user.id))
        await self._ending.end_all(work, user)
        return await self._opening.open(work, fresh, Guest(session.address or "", session.client, session.device), "password.changed")

    async def reset_password(self, who: Caller, user_id: UUID) -> str:
        """Give somebody a generated password, told once, that they must change at their next login; it ends all their sessions.

        Raises: NotFound, OwnAccount, Forbidden, NoPassword, RateLimited.
        """
        if user_id == who.user_id:
            raise OwnAccount
        password = generated_password(self._doors.chance)
        new_hash = await self._doors.passwords.hash(password)
        async with self._uow(who.tenant_id) as work:
            user = await self._store(work).user(user_id, lock=True)
            if user is None:
                raise NotFound
            check_reach(who, user.role, user.camera_groups)
            await self._reset(work, who, user, new_hash)
        return password

    async def reset_by_email(self, email: str) -> str:
        """As `reset_password`, for an operator of the machine itself: nobody is named on record.

        Raises: NotFound, NoPassword, RateLimited.
        """
        found = await find_by_email(self._uow, self._store, email)
        password = generated_password(self._doors.chance)
        new_hash = await self._doors.passwords.hash(password)
        async with self._uow(found.tenant_id) as work:
            user = await self._store(work).user(found.id, lock=True)
            if user is None:
                raise NotFound
            await self._reset(work, None, user, new_hash)
        return password

    async def _reset(self, work: UnitOfWork, who: Caller | None, user: User, new_hash: str) -> None:
        if not user.has_password:
            raise NoPassword
        await self._store(work).save_user(replace(user, password_hash=new_hash, must_change_password=True))
        details = {} if who else {"by": "command line"}
        record(work, Action.PASSWORD_RESET, who, AuditEntry("user", user.id, details=details))
        await self._ending.end_all(work, user)
