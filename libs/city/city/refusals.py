"""Refused tickets on their way to the ledger of the city whose ticket it was.

Whoever redeems tickets must answer at once, and anybody may show the same ticket a thousand times a second. So a refusal is counted
in memory and a loop writes it: the first of its kind (session, camera, reason) at once, its repeats summed up when the minute ends.
A city gets at most `KINDS_PER_TENANT` kinds a minute and one more for all the rest. What was never a ticket of ours belongs to no city
and is counted by metrics only. A process that is killed loses what it had not written yet, a second's refusals.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from chassis import logs
from chassis.auth.tokens import Authenticator, TicketSpent
from chassis.db import UowFactory
from chassis.health import Heartbeat
from city.audit import AuditEntry, audit_event
from gtvision.audit import Action, Outcome
from gtvision.errors import Forbidden, GTVisionError, NotFound, SessionRevoked, TokenExpired, Unavailable
from gtvision.events import AuditRecorded
from gtvision.tenancy import Caller
from gtvision.time import Clock

WINDOW_S = 60.0
KINDS_PER_TENANT = 100
_GATHER_S = 1.0
_OURS = (TokenExpired, SessionRevoked, TicketSpent, Forbidden, NotFound)
"""Refusals of what is a ticket of ours, beyond doubt."""

log = logs.get_logger("city.refusals")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody wanted to open with a ticket, and from where."""

    kind: str
    object_id: UUID | None = None
    address: str | None = None


@dataclass(slots=True)
class _Refused:
    tenant_id: UUID
    event: AuditRecorded
    camera_id: UUID | None
    correlation_id: UUID = field(default_factory=logs.correlation_id)
    times: int = 0
    written: int = 0


_Kind = tuple[UUID, UUID | None, UUID | None, str]
"""Tenant, session, what it was for, why it was refused."""


class Refusals:
    """`note` in the place that refuses, `run` as a loop of the process."""

    def __init__(self, uow: UowFactory, authenticator: Authenticator, clock: Clock, service: str) -> None:
        self._uow, self._authenticator, self._clock, self._service = uow, authenticator, clock, service
        self._window: dict[_Kind, _Refused] = {}
        self._kinds: Counter[UUID] = Counter()
        self._ends_at = clock.monotonic() + WINDOW_S
        self._news = asyncio.Event()

    async def note(self, ticket: str, refused: GTVisionError, attempt: Attempt) -> None:
        """Count it, if the ticket is one of ours. Never raises, never waits for a server."""
        claims = await self._authenticator.whose(ticket) if isinstance(refused, _OURS) else None
        if claims is None:
            return
        kind: _Kind = (claims.caller.tenant_id, claims.caller.session_id, attempt.object_id, refused.code)
        if kind not in self._window and self._kinds[kind[0]] >= KINDS_PER_TENANT:
            kind = (kind[0], None, None, "too_many_kinds")
        if kind not in self._window:
            self._kinds[kind[0]] += 1
            self._window[kind] = self._first(kind, claims.caller, attempt)
            self._news.set()
        self._window[kind].times += 1

    def _first(self, kind: _Kind, who: Caller, attempt: Attempt) -> _Refused:
        tenant_id, session_id, object_id, reason = kind
        entry = AuditEntry(attempt.kind, object_id, details={"reason": reason}, outcome=Outcome.REFUSED)
        event = audit_event(Action.LIVE_REFUSED, who if session_id else None, entry)
        where = {"address": attempt.address or event.address, "service": self._service}
        return _Refused(tenant_id, event.model_copy(update=where), object_id if attempt.kind == "camera" else None)

    async def run(self, heartbeat: Heartbeat) -> None:
        """A loop: write what is new soon, and sums when the minute ends, or this process."""
        try:
            while True:
                await heartbeat.wait(self._news, max(0.1, self._ends_at - self._clock.monotonic()))
                self._news.clear()
                await self._try_to_write(ending=self._clock.monotonic() >= self._ends_at)
                await heartbeat.sleep(_GATHER_S)
        finally:
            await self._try_to_write(ending=True)

    async def _try_to_write(self, *, ending: bool) -> None:
        try:
            await self.write(ending=ending)
        except Unavailable as error:
            log.warning("refused tickets not on record yet", reason=error.message)

    async def write(self, *, ending: bool) -> None:
        """First refusals of their kind, and at the end of the minute the others. Raises: Unavailable, and keeps what was not written."""
        due = [each for each in self._window.values() if each.times > each.written and (ending or not each.written)]
        for tenant_id in dict.fromkeys(each.tenant_id for each in due):
            await self._write_tenants(tenant_id, [each for each in due if each.tenant_id == tenant_id])
        if ending:
            self._window = {kind: each for kind, each in self._window.items() if each.times > each.written}
            self._kinds = Counter(kind[0] for kind in self._window)
            self._ends_at = self._clock.monotonic() + WINDOW_S

    async def _write_tenants(self, tenant_id: UUID, due: list[_Refused]) -> None:
        counts = [each.times for each in due]
        async with self._uow(tenant_id) as work:
            for each, times in zip(due, counts, strict=True):
                details = {**each.event.details, "times": str(times - each.written)}
                event = each.event.model_copy(update={"details": details})
                work.emit(event, camera_id=each.camera_id, correlation_id=each.correlation_id)
        for each, times in zip(due, counts, strict=True):
            each.written = times
