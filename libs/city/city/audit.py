"""Putting a deed on record: `record(work, Action.CAMERA_REMOVED, who, ...)` in the transaction of the deed itself.

The record is an event like any other: it is in the outbox when the transaction commits, so it is never lost and costs the deed one
row. `identity` chains it into the tenant's ledger.
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
"""What `AuditRecorded` takes: a record is cut rather than refused, which would refuse the deed with it."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done to what. `details` never holds a secret."""

    object_kind: str | None = None
    object_id: UUID | str | None = None
    camera_id: UUID | None = None
    range_from: datetime | None = None
    range_to: datetime | None = None
    details: Mapping[str, object] | None = None
    outcome: Outcome = Outcome.ALLOWED


def record(work: UnitOfWork, action: Action, who: Caller | None, deed: Deed = Deed()) -> None:
    """Announce the deed with this transaction's commit. `who` is None where nobody is known (a refused login, the system itself)."""
    work.emit(audit_event(action, who, deed), camera_id=deed.camera_id)


def audit_event(action: Action, who: Caller | None, deed: Deed) -> AuditRecorded:
    """The event data, with where the request came from."""
    where = origin()
    return AuditRecorded(
        action=str(action),
        outcome=deed.outcome,
        actor_id=who.user_id if who else None,
        actor_role=str(who.role) if who else None,
        session_id=who.session_id if who else None,
        object_kind=deed.object_kind,
        object_id=None if deed.object_id is None else _text(deed.object_id, _MAX_ID),
        purpose=where.purpose,
        range_from=deed.range_from,
        range_to=deed.range_to,
        address=None if where.address is None else _text(where.address, _MAX_ADDRESS),
        user_agent=where.user_agent,
        service=where.service,
        details={_text(name, _MAX_NAME): _text(value, _MAX_DETAIL) for name, value in islice((deed.details or {}).items(), _MAX_DETAILS)},
    )


def _text(value: object, longest: int) -> str:
    """Cut, and without the halves of surrogate pairs, which JSON can spell and no encoding knows."""
    return str(value)[:longest].encode(errors="replace").decode()
