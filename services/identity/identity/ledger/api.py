"""HTTP in: entries of the caller's tenant."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Self, get_type_hints
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field, create_model
from starlette.responses import StreamingResponse

from chassis.auth import requires
from chassis.http import Page, Provided, decode_cursor, encode_cursor
from gtvision.audit import Action, Outcome
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from identity.ledger.domain.entries import BINDING, FIELDS, Chained, Entry
from identity.ledger.domain.searches import MEDIA_TYPES, Form, Search, file_of
from identity.ledger.usecases import Ledger

router = APIRouter(prefix="/api/v1/audit")

LedgerDep = Annotated[Ledger, Provided(Ledger)]
Reader = Annotated[Caller, requires(Scope.AUDIT_READ)]
Exporter = Annotated[Caller, requires(Scope.AUDIT_EXPORT)]
Cursor = Annotated[str | None, Query(max_length=1_000)]
Limit = Annotated[int, Query(ge=1, le=200)]
Code = Annotated[str, Field(max_length=60, pattern=r"^[a-z_]+\.[a-z_]+$")]

_TYPES: dict[str, Any] = {**get_type_hints(Entry), "details": dict[str, str], **dict.fromkeys(BINDING, str)}
_FIELDS: dict[str, Any] = {name: (_TYPES[name], ...) for name in (*FIELDS, *BINDING)}
_Columns: Any = create_model("_Columns", **_FIELDS)


class EntryOut(_Columns):
    """An entry with what binds it to its neighbours."""

    @classmethod
    def of(cls, chained: Chained) -> Self:
        plain = chained.plain()
        details = plain["details"] if isinstance(plain["details"], dict) else {"": plain["details"]}  # verification names what it is
        return cls(**{**plain, "details": {name: each if isinstance(each, str) else json.dumps(each) for name, each in details.items()}})


async def _search(  # noqa: PLR0913, PLR0917 - the one list of what can be looked for
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
) -> Search:
    """`from` (included) and `to` (left out) are of when the action occurred."""
    ids: dict[str, Any] = {"actor_id": actor_id, "camera_id": camera_id, "correlation_id": correlation_id}
    texts = {"object_kind": object_kind, "object_id": object_id, "address": address, "purpose": purpose}
    stored: dict[str, Any] = {name: each and each.replace("\x00", "\ufffd") for name, each in texts.items()}  # as entries are
    return Search(since, until, tuple(action) if action else None, outcome, **ids, **stored)


SearchDep = Annotated[Search, Depends(_search)]


@router.get("")
async def search_audit(caller: Reader, search: SearchDep, ledger: LedgerDep, cursor: Cursor = None, limit: Limit = 50) -> Page[EntryOut]:
    """Who did what, latest first. The search itself goes on record."""
    found = await ledger.search(caller, search, _before(cursor), limit + 1)
    last = found[limit - 1].entry if len(found) > limit else None
    following = encode_cursor(at=last.occurred_at, seq=last.seq) if last else None
    return Page(items=[EntryOut.of(each) for each in found[:limit]], next=following)


@router.get("/actions")
async def list_actions(_caller: Reader) -> list[str]:
    """Every action that this release puts on record, for `action` of a search. Entries of an older release may name others."""
    return sorted(Action)


def _before(cursor: str | None) -> tuple[datetime, int] | None:
    found = decode_cursor(cursor, at=datetime, seq=int) if cursor else None
    return (found["at"], found["seq"]) if found else None


_FILE = {200: {"content": {kind.partition(";")[0]: {} for kind in MEDIA_TYPES.values()}, "description": "The file"}}


@router.get("/export", response_class=StreamingResponse, responses=_FILE)  # type: ignore[arg-type]
async def export_audit(
    caller: Exporter,
    since: Annotated[Instant, Query(alias="from")],
    until: Annotated[Instant, Query(alias="to")],
    search: SearchDep,
    ledger: LedgerDep,
    format: Form = "csv",  # noqa: A002 - the parameter's name outside
) -> StreamingResponse:
    """A file of what occurred in at most 366 days, in order of number, with hashes and MACs (docs/audit.md). Goes on record."""
    pages = await ledger.export(caller, caller.tenant_id, search, format)
    name = f"audit-{since:%Y%m%d}-{until:%Y%m%d}.{format}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return StreamingResponse(file_of(format, pages), media_type=MEDIA_TYPES[format], headers=headers)
