"""Refused tickets on their way to the ledger of the tenant whose ticket it was.

The place that redeems tickets must answer at once, and one ticket may be shown a thousand times a second. So a refusal is counted in
memory, and a loop writes one record for each kind (session, camera, reason) with its number every `WINDOW`. A tenant gets at most
`KINDS_PER_TENANT` kinds in that time and one more for all the rest. What is no ticket of identity belongs to no tenant and is counted by
metrics only. A process that is killed loses what it has not written yet.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from chassis import logs
from chassis.auth.tokens import Authenticator, TicketSpent
from chassis.db import UowFactory
from chassis.loops import every
from city.audit import AuditEntry, audit_event
from gtvision.audit import Action, Outcome
from gtvision.errors import Forbidden, GTVisionError, NotFound, SessionRevoked, TokenExpired, Unavailable
from gtvision.events import AuditRecorded

WINDOW = timedelta(seconds=10)
KINDS_PER_TENANT = 20
_OURS = (TokenExpired, SessionRevoked, TicketSpent, Forbidden, NotFound)
"""Refusals that only a genuine ticket can meet."""

log = logs.get_logger("city.refusals")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a ticket should have opened, and from where."""

    kind: str
    object_id: UUID | None = None
    address: str | None = None


@dataclass(slots=True)
class _Refused:
    event: AuditRecorded
    camera_id: UUID | None
    correlation_id: UUID = field(default_factory=logs.correlation_id)
    times: int = 0


_Kind = tuple[UUID, UUID | None, UUID | None, str]
"""Tenant, session, what the ticket was shown for, why it was refused."""


class Refusals:
    """`note` where a ticket is refused; `run` is the loop that writes, and as a lifespan part this writes the rest at the end."""

    def __init__(self, uow: UowFactory, authenticator: Authenticator, service: str) -> None:
        self._uow, self._authenticator, self._service = uow, authenticator, service
        self._counted: dict[_Kind, _Refused] = {}
        self.run = every(WINDOW, self.write)

    async def note(self, ticket: str, refused: GTVisionError, attempt: Attempt) -> None:
        """Counts the refusal, if the ticket is a genuine one. Never raises, never waits for a server."""
        claims = await self._authenticator.whose(ticket) if isinstance(refused, _OURS) else None
        if claims is None:
            return
        tenant_id = claims.caller.tenant_id
        kind: _Kind = (tenant_id, claims.caller.session_id, attempt.object_id, refused.code)
        if kind not in self._counted and sum(1 for each in self._counted if each[0] == tenant_id) >= KINDS_PER_TENANT:
            kind = (tenant_id, None, None, "too_many_kinds")
        if kind not in self._counted:
            _, session_id, object_id, reason = kind
            entry = AuditEntry(attempt.kind, object_id, details={"reason": reason}, outcome=Outcome.REFUSED)
            event = audit_event(Action.LIVE_REFUSED, claims.caller if session_id else None, entry)
            where = {"address": attempt.address or event.address, "service": self._service}
            self._counted[kind] = _Refused(event.model_copy(update=where), object_id if attempt.kind == "camera" else None)
        self._counted[kind].times += 1

    async def write(self) -> None:
        """Puts what was counted on record. Raises: Unavailable, and keeps what was not written."""
        for kind in tuple(self._counted):
            each = self._counted.pop(kind)
            details = {**each.event.details, "times": str(each.times)}
            try:
                async with self._uow(kind[0]) as uow:
                    event = each.event.model_copy(update={"details": details})
                    uow.emit(event, camera_id=each.camera_id, correlation_id=each.correlation_id)
            except (Unavailable, asyncio.CancelledError):
                each.times += self._counted[kind].times if kind in self._counted else 0
                self._counted[kind] = each
                raise

    async def __aenter__(self) -> Refusals:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.write()
        except Unavailable as error:
            log.warning("refusals_lost", kinds=len(self._counted), reason=error.message)
