"""Suspending a city, letting it in again, and its deletion some time after it was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.events import TenantRemoved, UserDisabled
from gtvision.tenancy import Caller, Scope
from gtvision.time import Clock, isoformat
from identity.cities.domain import CityActive, OwnCity, Tenant, TenantState, check_reach
from identity.keys.domain import LINGERS, EndReason

if TYPE_CHECKING:
    from identity.repository import PostgresRows, RowsOf
    from identity.sessions.usecases.issuing import SessionRevoker


class Suspensions:
    """What the platform's administrators do with whole cities. Each is on record in the city's own ledger, and may be repeated."""

    def __init__(self, uow: UowFactory, rows: RowsOf, revoker: SessionRevoker, clock: Clock, deletes_after: timedelta) -> None:
        self._uow, self._rows, self._revoker, self._clock, self._deletes_after = uow, rows, revoker, clock, deletes_after

    async def suspend(self, caller: Caller, tenant_id: UUID) -> Tenant:
        """End every session of the city; nobody of it signs in until it is resumed. Recording and the reading of plates go on.

        Raises: NotFound, MissingScope, OwnCity, CityDeleted.
        """
        check_platform(caller, tenant_id)
        async with self._uow(tenant_id) as uow:
            rows, now = self._rows(uow), self._clock.now()
            tenant = await rows.lock_tenant(tenant_id)
            tenant.check_there()
            if tenant.state is not TenantState.ACTIVE:
                return tenant
            if await rows.has_platform_admin():
                raise OwnCity
            suspended = replace(tenant, suspended_at=now)
            await rows.save_tenant(suspended)
            ended = await self._shut_out(uow, rows, now)
            record(uow, Action.TENANT_SUSPENDED, caller, AuditEntry("tenant", tenant_id, details={"sessions": ended}))
        return suspended

    async def _shut_out(self, uow: UnitOfWork, rows: PostgresRows, now: datetime) -> int:
        sessions = await rows.living_sessions(now - LINGERS)
        for session in sessions:
            await self._revoker.end(uow, session, EndReason.CITY_SUSPENDED)
        for each in (*await rows.enabled_ids(), *await rows.unrevoked_key_ids()):
            uow.emit(UserDisabled(user_id=each))  # live views outlast the session that opened them
        return sum(session.is_alive(now) for session in sessions)

    async def resume(self, caller: Caller, tenant_id: UUID) -> Tenant:
        """Let the city in again. A deletion that was asked for is off. Raises: NotFound, MissingScope, CityDeleted."""
        check_platform(caller, tenant_id)
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            tenant = await rows.lock_tenant(tenant_id)
            tenant.check_there()
            if tenant.state is TenantState.ACTIVE:
                return tenant
            resumed = replace(tenant, suspended_at=None, deletes_at=None)
            await rows.save_tenant(resumed)
            record(uow, Action.TENANT_RESUMED, caller, AuditEntry("tenant", tenant_id, details={"was": tenant.state}))
        return resumed

    async def close(self, caller: Caller, tenant_id: UUID) -> Tenant:
        """Set the time at which a suspended city is deleted. Asked for again, the first time stays.

        Raises: NotFound, MissingScope, OwnCity, CityActive, CityDeleted.
        """
        check_platform(caller, tenant_id)
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            tenant = await rows.lock_tenant(tenant_id)
            tenant.check_there()
            if tenant.state is TenantState.CLOSING:
                return tenant
            if await rows.has_platform_admin():
                raise OwnCity
            if tenant.state is TenantState.ACTIVE:
                raise CityActive
            deletes_at = self._clock.now() + self._deletes_after
            closing = replace(tenant, deletes_at=deletes_at)
            await rows.save_tenant(closing)
            details = {"deletes_at": isoformat(deletes_at)}
            record(uow, Action.TENANT_CLOSED, caller, AuditEntry("tenant", tenant_id, details=details))
        return closing

    async def delete_due(self) -> int:
        """Delete the cities whose time has come; one that fails does not keep the others. Returns how many. Raises: Unavailable."""
        async with self._uow(None) as uow:
            due = await self._rows(uow).due_tenants(self._clock.now())
        deleted = 0
        failure: Exception | None = None
        for tenant_id in due:
            try:
                deleted += await self._delete(tenant_id)
            except Exception as error:  # whatever it is, the next cities are due too
                failure = failure or error
        if failure is not None:
            raise failure
        return deleted

    async def _delete(self, tenant_id: UUID) -> bool:
        """Erase people, sessions and keys. The row stays with its settings: by them what was recorded and read ages in every service."""
        async with self._uow(tenant_id) as uow:
            rows, now = self._rows(uow), self._clock.now()
            await rows.lock_users()  # before the tenant, as whoever logs in does
            await rows.lock_api_keys()
            tenant = await rows.lock_tenant(tenant_id)
            if tenant.state is not TenantState.CLOSING or tenant.deletes_at is None or tenant.deletes_at > now:
                return False  # another process was first, or the city was resumed a moment ago
            await rows.erase_sessions()
            erased = {"users": await rows.erase_users(), "api_keys": await rows.erase_api_keys()}
            gone = replace(tenant, deleted_at=now, revision=tenant.revision + 1)
            await rows.save_tenant(gone)
            uow.emit(TenantRemoved(name=gone.name, revision=gone.revision))
            record(uow, Action.TENANT_REMOVED, None, AuditEntry("tenant", tenant_id, details={"name": gone.name, **erased}))
        return True


def check_platform(caller: Caller, tenant_id: UUID) -> None:
    """Another tenant does not exist for those who do not run the platform. Raises: NotFound, MissingScope."""
    check_reach(caller, tenant_id, Scope.TENANTS_WRITE)
    caller.require(Scope.TENANTS_WRITE)
