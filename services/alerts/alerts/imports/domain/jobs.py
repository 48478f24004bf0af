"""What an import is, and how it has come along. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gtvision.errors import Conflict, Invalid

MAX_BYTES = 10_000_000
MAX_LINES = 100_000
MAX_ERRORS = 1_000
KEPT = timedelta(days=30)
"""How long an import that has ended is shown."""


class ImportInvalid(Invalid):
    """The file cannot be read as a list of plates."""

    code = "import_invalid"


class ImportRunning(Conflict):
    """An import into this watchlist has not ended yet."""

    code = "import_running"


class ImportState(StrEnum):
    """How far it has come."""

    QUEUED = "queued"
    CHECKING = "checking"
    """Its lines are read; nothing is written yet."""
    WRITING = "writing"
    FINISHED = "finished"
    REJECTED = "rejected"
    """Lines were invalid, and it was to stop there: nothing was written."""
    FAILED = "failed"
    """A fault of ours stopped it; what was written stays, and the same file again goes on from there."""


class OnError(StrEnum):
    """What becomes of a file with invalid lines."""

    STOP = "stop"
    """Nothing is written."""
    SKIP = "skip"
    """The valid lines are taken."""


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a line. `line` counts from 1, the line of the column names, as editors do."""

    line: int
    column: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the lines that were written, or would be written."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Import:
    """A file on its way into a list. `lines` are those that hold something, `done` are those that were written or passed over."""

    import_id: UUID
    tenant_id: UUID
    watchlist_id: UUID
    state: ImportState
    dry_run: bool
    on_error: OnError
    created_at: datetime
    created_by: UUID
    lines: int
    done: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    invalid: int = 0
    errors: tuple[LineError, ...] = ()
    """The first of the invalid lines."""
    finished_at: datetime | None = None
