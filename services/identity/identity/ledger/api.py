"""HTTP in: the ledger of the caller's tenant."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from chassis.auth import requires
from chassis.http import Page, decode_cursor, encode_cursor
from gtvision.audit import Outcome
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from identity.ledger.domain.anchors import Anchor, AnchorKind
from identity.ledger.domain.exports import MEDIA_TYPES, Form, file_of
from identity.ledger.domain.ledger import Chained
from identity.ledger.domain.searches import Sought
from identity.ledger.domain.verification import Finding, Wrong
from identity.ledger.ports import AuditKeys
from identity.ledger.usecases.auditing import Auditing
from identity.ledger.usecases.verification import Report, Span, Verification

router = APIRouter(prefix="/api/v1/audit")

_VERIFY_ROWS = 20_000
"""What one answer can wait for; the operator's command has no such limit."""

Code = Annotated[str, Field(max_length=60, pattern=r"^[a-z_]+\.[a-z_]+$")]


# --- what goes out -----------------------------------------------------------------------------------------------------


class EntryOut(BaseModel):
    """An entry with what binds it to its neighbours."""

    version: int
    tenant_id: UUID
    seq: int
    recorded_at: datetime
    event_id: UUID
    occurred_at: datetime
    action: str
    outcome: str
    actor_id: UUID | None
    actor_name: str | None
    actor_role: str | None
    session_id: UUID | None
    object_kind: str | None
    object_id: str | None
    camera_id: UUID | None
    purpose: str | None
    range_from: datetime | None
    range_to: datetime | None
    address: str | None
    user_agent: str | None
    service: str | None
    correlation_id: UUID
    details: dict[str, str]
    prev_hash: str
    hash: str
    mac: str
    mac_kid: str

    @classmethod
    def of(cls, chained: Chained) -> Self:
        plain = chained.plain()
        return cls.model_validate({**plain, "details": _texts(plain["details"])})


def _texts(details: object) -> dict[str, str]:
    """Whatever somebody put there is shown; verification names it."""
    found = details if isinstance(details, dict) else {"": details}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}


class AnchorOut(BaseModel):
    """A signed statement about an entry. `public_key` is null where the key is no longer known here."""

    seq: int
    kind: AnchorKind
    anchored_at: datetime
    hash: str
    kid: str
    signature: str
    public_key: str | None
    object_key: str

    @classmethod
    def of(cls, anchor: Anchor, keys: AuditKeys) -> Self:
        plain = {name: getattr(anchor, name) for name in ("seq", "kind", "anchored_at", "hash", "kid", "signature", "object_key")}
        return cls(**plain, public_key=keys.public_key(anchor.kid))


class FindingOut(BaseModel):
    """Something that is wrong, in words for an operator."""

    wrong: Wrong
    seq: int
    at: datetime | None
    says: str

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(wrong=finding.wrong, seq=finding.seq, at=finding.at, says=finding.says)


class VerificationOut(BaseModel):
    """Rows `first` to `last` were looked at and `rows` of them are right; `findings` are the first twenty that are not, and `finding` is
    the first of all. `next` is where to go on, as `after`."""

    right: bool
    first: int
    last: int
    rows: int
    head: int
    finding: FindingOut | None
    findings: list[FindingOut]
    anchors: list[FindingOut]
    last_anchor: AnchorOut | None
    unanchored: int
    next: int | None

    @classmethod
    def of(cls, report: Report, keys: AuditKeys) -> Self:
        return cls(
            right=report.is_right,
            first=report.first,
            last=report.last,
            rows=report.rows,
            head=report.head,
            finding=FindingOut.of(report.findings[0]) if report.findings else None,
            findings=[FindingOut.of(each) for each in report.findings],
            anchors=[FindingOut.of(each) for each in report.anchors],
            last_anchor=AnchorOut.of(report.last_anchor, keys) if report.last_anchor else None,
            unanchored=report.unanchored,
            next=report.next,
        )


# --- what comes in -----------------------------------------------------------------------------------------------------


async def _sought(  # noqa: PLR0913, PLR0917 - the one list of what can be looked for
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Annotated[Instant | None, Query(alias="to")] = None,
    action: Annotated[list[Code] | None, Query(max_length=50)] = None,
    outcome: Outcome | None = None,
    actor_id: UUID | None = None,
    camera_id: UUID | None = None,
    object_kind: Annotated[str | None, Query(max_length=60)] = None,
    object_id: Annotated[str | None, Query(max_length=200)] = None,
    correlation_id: UUID | None = None,
    address: Annotated[str | None, Query(max_length=64)] = None,
    purpose: Annotated[str | None, Query(max_length=40)] = None,
) -> Sought:
    """`from` (included) and `to` (left out) are of when the deed occurred."""
    return Sought(
        since=since,
        until=until,
        actions=tuple(action) if action else None,
        outcome=outcome,
        actor_id=actor_id,
        camera_id=camera_id,
        object_kind=_text(object_kind),
        object_id=_text(object_id),
        correlation_id=correlation_id,
        address=_text(address),
        purpose=_text(purpose),
    )


def _text(value: str | None) -> str | None:
    """PostgreSQL's text knows no NUL, and the ledger writes this instead."""
    return None if value is None else value.replace("\x00", "\ufffd")


SoughtDep = Annotated[Sought, Depends(_sought)]
Reader = Annotated[Caller, requires(Scope.AUDIT_READ)]
Exporter = Annotated[Caller, requires(Scope.AUDIT_EXPORT)]
Cursor = Annotated[str | None, Query(max_length=1_000)]
Limit = Annotated[int, Query(ge=1, le=200)]


async def _auditing(request: Request) -> Auditing:
    return request.app.state.auditing  # type: ignore[no-any-return]


async def _verification(request: Request) -> Verification:
    return request.app.state.verification  # type: ignore[no-any-return]


async def _keys(request: Request) -> AuditKeys:
    return request.app.state.audit_keys  # type: ignore[no-any-return]


AuditingDep = Annotated[Auditing, Depends(_auditing)]
KeysDep = Annotated[AuditKeys, Depends(_keys)]


# --- routes ------------------------------------------------------------------------------------------------------------


@router.get("")
async def search_audit(who: Reader, sought: SoughtDep, auditing: AuditingDep, cursor: Cursor = None, limit: Limit = 50) -> Page[EntryOut]:
    """Who did what, latest first. The search itself goes on record."""
    found = await auditing.search(who, sought, _before(cursor), limit + 1)
    last = found[limit - 1].entry if len(found) > limit else None
    following = encode_cursor(at=last.occurred_at, seq=last.seq) if last else None
    return Page(items=[EntryOut.of(each) for each in found[:limit]], next=following)


_FILE = {200: {"content": {kind.partition(";")[0]: {} for kind in MEDIA_TYPES.values()}, "description": "The file"}}


@router.get("/export", response_class=StreamingResponse, responses=_FILE)  # type: ignore[arg-type]
async def export_audit(
    who: Exporter,
    since: Annotated[Instant, Query(alias="from")],
    until: Annotated[Instant, Query(alias="to")],
    sought: SoughtDep,
    auditing: AuditingDep,
    format: Form = "csv",  # noqa: A002 - the parameter's name outside
) -> StreamingResponse:
    """A file of what occurred in at most 366 days, in order of number, with hashes and MACs (docs/audit.md). Goes on record."""
    pages = await auditing.export(who, who.tenant_id, sought, format)
    name = f"audit-{since:%Y%m%d}-{until:%Y%m%d}.{format}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return StreamingResponse(file_of(format, pages), media_type=MEDIA_TYPES[format], headers=headers)


@router.get("/verify")
async def verify_audit(
    who: Reader,
    verification: Annotated[Verification, Depends(_verification)],
    keys: KeysDep,
    since: Annotated[Instant | None, Query(alias="from")] = None,
    after: Annotated[int | None, Query(ge=0, le=2**62)] = None,
) -> VerificationOut:
    """Check up to 20,000 rows from there on, and the anchors made of them; `next` says where to go on."""
    return VerificationOut.of(await verification.verify(who.tenant_id, Span(since, after, _VERIFY_ROWS)), keys)


@router.get("/anchors")
async def list_anchors(who: Reader, auditing: AuditingDep, keys: KeysDep, cursor: Cursor = None, limit: Limit = 50) -> Page[AnchorOut]:
    """Signed statements about the ledger, latest first, each with the key to check it and the name of its copy."""
    found = await auditing.anchors(who, _before(cursor), limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    following = encode_cursor(at=last.anchored_at, seq=last.seq) if last else None
    return Page(items=[AnchorOut.of(each, keys) for each in found[:limit]], next=following)


def _before(cursor: str | None) -> tuple[datetime, int] | None:
    if cursor is None:
        return None
    found = decode_cursor(cursor, at=datetime, seq=int)
    return found["at"], found["seq"]
