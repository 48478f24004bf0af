"""HTTP in: anchors of the caller's ledger, and its verification."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from chassis.auth import requires
from chassis.http import Page, Provided, decode_cursor, encode_cursor
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from identity.integrity.domain import Wrong
from identity.integrity.usecases.sealing import Sealing
from identity.integrity.usecases.verification import Report, Span, Verification
from identity.ledger.domain.anchors import Anchor, AnchorKind

router = APIRouter(prefix="/api/v1/audit")

SealingDep = Annotated[Sealing, Provided(Sealing)]
VerificationDep = Annotated[Verification, Provided(Verification)]
Reader = Annotated[Caller, requires(Scope.AUDIT_READ)]

_VERIFY_ROWS = 20_000
"""What one answer can wait for; the operator's command has no such limit."""


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
    def of(cls, anchor: Anchor, sealing: Sealing) -> Self:
        plain = {name: getattr(anchor, name) for name in cls.model_fields if name != "public_key"}
        return cls(**plain, public_key=sealing.public_key(anchor.kid))


class FindingOut(BaseModel):
    """Something that is wrong, in words for an operator."""

    model_config = ConfigDict(from_attributes=True)

    wrong: Wrong
    seq: int
    at: datetime | None
    says: str


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
    def of(cls, report: Report, sealing: Sealing) -> Self:
        last = AnchorOut.of(report.last_anchor, sealing) if report.last_anchor else None
        return cls.model_validate({name: getattr(report, name) for name in cls.model_fields} | {"last_anchor": last})


@router.get("/verify")
async def verify_audit(
    caller: Reader,
    verification: VerificationDep,
    sealing: SealingDep,
    since: Annotated[Instant | None, Query(alias="from")] = None,
    after: Annotated[int | None, Query(ge=0, le=2**62)] = None,
) -> VerificationOut:
    """Check up to 20,000 rows from there on, and the anchors made of them; `next` says where to go on."""
    return VerificationOut.of(await verification.verify(caller.tenant_id, Span(since, after, _VERIFY_ROWS)), sealing)


@router.get("/anchors")
async def list_anchors(
    caller: Reader,
    sealing: SealingDep,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[AnchorOut]:
    """Signed statements about the ledger, latest first, each with the key to check it and the name of its copy."""
    before = decode_cursor(cursor, at=datetime, seq=int) if cursor else None
    found = await sealing.list_anchors(caller, (before["at"], before["seq"]) if before else None, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    following = encode_cursor(at=last.anchored_at, seq=last.seq) if last else None
    return Page(items=[AnchorOut.of(each, sealing) for each in found[:limit]], next=following)
