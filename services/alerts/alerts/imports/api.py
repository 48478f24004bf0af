"""HTTP in: watchlists as CSV."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, status
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from alerts.imports.domain.jobs import ImportState, OnError
from alerts.imports.usecases import Imports
from chassis.auth import requires
from chassis.http import Provided
from gtvision.tenancy import Caller, Scope

router = APIRouter(prefix="/api/v1/watchlists/{watchlist_id}", tags=["alerts"])

Reader = Annotated[Caller, requires(Scope.WATCHLISTS_READ)]
Writer = Annotated[Caller, requires(Scope.WATCHLISTS_WRITE)]
ImportsDep = Annotated[Imports, Provided(Imports)]
DryRun = Annotated[bool, Query(description="Say what it would do, and write nothing")]
IfInvalid = Annotated[OnError, Query(description="`stop`: with an invalid line nothing is written; `skip`: valid lines are taken")]

_CSV: dict[str, Any] = {"text/csv": {"schema": {"type": "string"}}}
_FILE = {"requestBody": {"required": True, "content": _CSV}}


class StartedImport(BaseModel):
    """Where to look for the import."""

    import_id: UUID


class LineErrorOut(BaseModel):
    """What is wrong with a line; line 1 has the column names."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    column: str | None
    code: str
    message: str


class ImportOut(BaseModel):
    """An import and how far it has come: `done` of `lines` were written or passed over. `invalid` counts all of the invalid lines,
    `errors` has the first 1,000."""

    model_config = ConfigDict(from_attributes=True)

    import_id: UUID
    watchlist_id: UUID
    state: ImportState
    dry_run: bool
    on_error: OnError
    created_at: datetime
    created_by: UUID
    finished_at: datetime | None
    lines: int
    done: int
    added: int
    changed: int
    unchanged: int
    invalid: int
    errors: list[LineErrorOut]


@router.post("/import", status_code=status.HTTP_202_ACCEPTED, openapi_extra=_FILE, summary="Add and change plates by a CSV file")
async def post_import(
    watchlist_id: UUID,
    request: Request,
    caller: Writer,
    imports: ImportsDep,
    dry_run: DryRun = False,
    on_error: IfInvalid = OnError.STOP,
) -> StartedImport:
    """At most 100,000 lines and 10 MB, in UTF-8 or Windows-1252, with `;` or `,`. The same file again changes nothing."""
    job = await imports.start_import(caller, watchlist_id, await request.body(), dry_run, on_error)
    return StartedImport(import_id=job.import_id)


@router.get("/imports/{import_id}", summary="How far an import has come")
async def get_import(watchlist_id: UUID, import_id: UUID, caller: Reader, imports: ImportsDep) -> ImportOut:
    return ImportOut.model_validate(await imports.show_import(caller, watchlist_id, import_id))


@router.get("/export.csv", response_class=StreamingResponse, responses={200: {"content": _CSV, "description": "The file"}})
async def export_watchlist(watchlist_id: UUID, caller: Writer, imports: ImportsDep) -> StreamingResponse:
    """The plates of a list as a file that an import takes. Goes on record."""
    headers = {"content-disposition": f'attachment; filename="watchlist-{watchlist_id}.csv"', "cache-control": "no-store"}
    return StreamingResponse(await imports.export(caller, watchlist_id), media_type="text/csv; charset=utf-8", headers=headers)
