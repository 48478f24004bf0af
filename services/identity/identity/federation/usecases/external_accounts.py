"""The account of an outside person: found, made, moved between cities, and given the rights that the provider says they have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action, Outcome
from gtvision.errors import Conflict, Forbidden, QuotaReached
from gtvision.events import UserDisabled
from gtvision.ids import new_id
from gtvision.time import Clock
from identity.federation.domain.federation import (
    AccountDisabled,
    EmailInUse,
    ExternalIdentity,
    NoAccount,
    NoEmail,
    NoTenant,
    OutsidePerson,
    Provider,
    may_link,
)
from identity.people.domain.users import NO_PASSWORD, EmailTaken, InvalidEmail, User, email_key
from identity.people.usecases.quotas import check_room
from identity.ports.store import Store, StoreOf
from identity.sessions.usecases.opening import Ending, Opened

Enter = Callable[[UnitOfWork, User], Awaitable[Opened]]
"""Opens a session for a user whose row is locked, in the same transaction."""


class ExternalAccounts:
    """Accounts without a password of their own: what the provider says of a person holds here from the next sign-in on."""

    def __init__(self, uow: UowFactory, store: StoreOf, ending: Ending, clock: Clock) -> None:
        self._uow, self._store, self._ending, self._clock = uow, store, ending, clock

    async def sign_in(self, provider: Provider, person: OutsidePerson, enter: Enter) -> Opened:
        """A refusal is on record in the city.

        Raises: NoTenant, NoAccount, NoEmail, EmailInUse, QuotaReached, AccountDisabled, Unavailable.
        """
        tenant_id = await self._tenant_id(person.tenant)
        try:
            return await self._enter(tenant_id, provider, person, enter)
        except (Forbidden, Conflict) as refusal:
            await self._write_down(tenant_id, provider, refusal.code)
            raise

    async def _tenant_id(self, named: str) -> UUID:
        try:
            wanted = UUID(named)
        except ValueError:
            async with self._uow(None) as work:
                found = await self._store(work).find_tenant(named)
        else:
            async with self._uow(wanted) as work:
                found = await self._store(work).tenant(wanted)
        if found is None:
            raise NoTenant
        return found.id

    async def _enter(self, tenant_id: UUID, provider: Provider, person: OutsidePerson, enter: Enter) -> Opened:
        try:
            return await self._once(tenant_id, provider, person, enter)
        except (EmailTaken, EmailInUse, QuotaReached):
            # perhaps by another first sign-in of the same person, a moment ago: then they are known now
            try:
                return await self._once(tenant_id, provider, person, enter)
            except EmailTaken:
                raise EmailInUse from None

    async def _once(self, tenant_id: UUID, provider: Provider, person: OutsidePerson, enter: Enter) -> Opened:
        async with self._uow(None) as work:
            known = await self._store(work).find_external(person.issuer, person.subject)
        if known is not None and known.tenant_id != tenant_id:
            await self._may_come(tenant_id, provider, person)  # nobody leaves one city before they can be let into the other
            await self._leave(known, provider)
            known = None
        async with self._uow(tenant_id) as work:
            store = self._store(work)
            user = await (self._own(store, known) if known else self._first(work, tenant_id, provider, person))
            if user.is_disabled:
                raise AccountDisabled
            return await enter(work, await self._refreshed(work, provider, person, user))

    async def _may_come(self, tenant_id: UUID, provider: Provider, person: OutsidePerson) -> None:
        """Raises: NoAccount, NoEmail, QuotaReached."""
        email = _account_email(provider, person)
        async with self._uow(tenant_id) as work:
            store = self._store(work)
            holder = await store.find_login(email_key(email))
            if holder is None or holder.tenant_id != tenant_id:  # else that account is linked, and takes no place
                await check_room(store, tenant_id)

    async def _own(self, store: Store, known: ExternalIdentity) -> User:
        user = await store.user(known.account_id, lock=True)  # whoever disables them now waits, and then finds this session
        if user is None:
            raise NoAccount
        return user

    async def _first(self, work: UnitOfWork, tenant_id: UUID, provider: Provider, person: OutsidePerson) -> User:
        """A local account that is the person's, or a new one."""
        store, now = self._store(work), self._clock.now()
        holder = await store.find_login(_key(person.email)) if _key(person.email) else None
        if holder is None:
            email = _account_email(provider, person)
            user = User(new_id(), tenant_id, email, person.role, NO_PASSWORD, now, person.camera_groups)
            await check_room(store, tenant_id)
            await store.add_user(user)
            action = Action.USER_CREATED
        else:
            if not may_link(provider, person, tenant_id, holder):
                raise EmailInUse
            locked = await store.user(holder.id, lock=True)
            if locked is None or not may_link(provider, person, tenant_id, locked):
                raise EmailInUse
            user, action = locked, Action.USER_CHANGED
        if not await store.claim_external(ExternalIdentity(tenant_id, user.id, person.issuer, person.subject, provider.name, now)):
            raise EmailTaken
        details = {"provider": provider.name, "role": user.role, "linked": holder is not None}
        record(work, action, None, AuditEntry("user", user.id, details=details))
        return user

    async def _refreshed(self, work: UnitOfWork, provider: Provider, person: OutsidePerson, user: User) -> User:
        groups = user.camera_groups if provider.groups_claim is None else person.camera_groups
        fresh = replace(user, role=person.role, camera_groups=groups)
        if fresh != user:
            await self._store(work).save_user(fresh)
            await self._ending.end_all(work, user)  # what was opened with the old rights ends at once, as with every change of them
            details = {"provider": provider.name, "role": f"{user.role} -> {fresh.role}", "groups": user.camera_groups != groups}
            record(work, Action.USER_CHANGED, None, AuditEntry("user", user.id, details=details))
        return fresh

    async def _leave(self, known: ExternalIdentity, provider: Provider) -> None:
        """The provider says another city now: the account in the old one ends, with all its sessions."""
        async with self._uow(known.tenant_id) as work:
            store = self._store(work)
            user = await store.user(known.account_id, lock=True)
            if user is None or await store.find_external(known.issuer, known.subject) != known:
                return  # another sign-in of the same person was here a moment ago
            if user.is_disabled:
                raise AccountDisabled
            await store.leave_external(known)
            await store.save_user(replace(user, disabled_at=self._clock.now()))
            await self._ending.end_all(work, user)
            work.emit(UserDisabled(user_id=user.id))
            record(work, Action.USER_CHANGED, None, AuditEntry("user", user.id, details={"provider": provider.name, "left": True}))

    async def _write_down(self, tenant_id: UUID, provider: Provider, reason: str) -> None:
        """A transaction of its own: the one that was refused is gone."""
        entry = AuditEntry("session", details={"provider": provider.name, "reason": reason}, outcome=Outcome.REFUSED)
        async with self._uow(tenant_id) as work:
            record(work, Action.SESSION_REFUSED, None, entry)


def _account_email(provider: Provider, person: OutsidePerson) -> str:
    """The address of a new account. Raises: NoAccount, NoEmail."""
    if not provider.create_users:
        raise NoAccount
    if not person.email or not _key(person.email):
        raise NoEmail
    return person.email.strip()


def _key(email: str | None) -> str:
    try:
        return email_key(email or "")
    except InvalidEmail:
        return ""
