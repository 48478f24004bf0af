"""The audit record: `record(uow, Action.CAMERA_REMOVED, caller, AuditEntry("camera", camera.id))`, in the transaction of what it tells.

The record is an event like any other: it is in the outbox when the transaction commits, so it is never lost and costs one row.
`identity` chains it into the tenant's ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from chassis.db import UnitOfWork
from chassis.origin import origin
from gtvision.audit import Action, Outcome
from gtvision.events import AuditRecorded
from gtvision.tenancy import Caller

_MAX_ID, _MAX_ADDRESS, _MAX_DETAIL, _MAX_NAME, _MAX_DETAILS = 200, 64, 10_000, 40, 30
"""What `AuditRecorded` takes. A longer text is cut: refusing the record would refuse the request with it."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What was done to what. `details` never holds a secret."""

    object_kind: str | None = None
    object_id: UUID | str | None = None
    camera_id: UUID | None = None
    range_from: datetime | None = None
    range_to: datetime | None = None
    details: Mapping[str, object] | None = None
    outcome: Outcome = Outcome.ALLOWED


def record(uow: UnitOfWork, action: Action, caller: Caller | None, entry: AuditEntry = AuditEntry()) -> None:
    """Emits the record with this transaction's commit. `caller` is None for a refused login and for the system itself."""
    uow.emit(audit_event(action, caller, entry), camera_id=entry.camera_id)


def audit_event(action: Action, caller: Caller | None, entry: AuditEntry) -> AuditRecorded:
    """Returns the event data, with the address, browser and purpose of the request that is being answered."""
    where = origin()
    return AuditRecorded(
        action=str(action),
        outcome=entry.outcome,
        actor_id=caller.user_id if caller else None,
        actor_role=str(caller.role) if caller else None,
        session_id=caller.session_id if caller else None,
        object_kind=entry.object_kind,
        object_id=None if entry.object_id is None else _text(entry.object_id, _MAX_ID),
        purpose=where.purpose,
        range_from=entry.range_from,
        range_to=entry.range_to,
        address=None if where.address is None else _text(where.address, _MAX_ADDRESS),
        user_agent=where.user_agent,
        service=where.service,
        details={_text(name, _MAX_NAME): _text(value, _MAX_DETAIL) for name, value in islice((entry.details or {}).items(), _MAX_DETAILS)},
    )


def _text(value: object, longest: int) -> str:
    """Cut, and without the halves of surrogate pairs, which JSON can spell and no encoding knows."""
    return str(value)[:longest].encode(errors="replace").decode()
