"""What an auditor looks for in the ledger, and the file that an export gives."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from gtvision.errors import Invalid
from gtvision.spreadsheets import csv_line, plain_cell
from identity.ledger.domain.entries import BINDING, FIELDS, Chained, instant

EXPORT_AT_MOST = timedelta(days=366)

Form = Literal["csv", "json"]
MEDIA_TYPES: dict[Form, str] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
COLUMNS = (*FIELDS, *BINDING)


class RangeTooLong(Invalid):
    """The range is empty or longer than an export may be."""

    code = "range_too_long"


@dataclass(frozen=True, slots=True)
class Search:
    """None: whatever it is. `since` and `until` are of when the action occurred; `until` is left out."""

    since: datetime | None = None
    until: datetime | None = None
    actions: tuple[str, ...] | None = None
    outcome: str | None = None
    actor_id: UUID | None = None
    camera_id: UUID | None = None
    object_kind: str | None = None
    object_id: str | None = None
    correlation_id: UUID | None = None
    address: str | None = None
    purpose: str | None = None

    def criteria(self) -> Mapping[str, str]:
        """What was asked for, for the record of the search."""
        asked = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in {"since", "until"}}
        return {name: ",".join(value) if isinstance(value, tuple) else str(value) for name, value in asked.items() if value is not None}

    def check_export(self) -> None:
        """Raises: RangeTooLong."""
        since, until = self.since, self.until
        if since is None or until is None or not timedelta(0) < until - since <= EXPORT_AT_MOST:
            begins = f", from {instant(since)} on" if since else ""
            raise RangeTooLong(f"An export covers at most {EXPORT_AT_MOST.days} days{begins}.")


EVERYTHING = Search()


async def file_of(form: Form, pages: AsyncIterator[list[Chained]]) -> AsyncIterator[bytes]:
    """The file, a page at a time. It ends early where the ledger cannot be read on: JSON without its last bracket is no JSON."""
    if form == "csv":
        yield csv_line(COLUMNS)
        async for page in pages:
            yield b"".join(csv_line([_cell(each.plain()[name]) for name in COLUMNS]) for each in page)
        return
    yield b"["
    separator = b"\n"
    async for page in pages:
        for each in page:
            yield separator + json.dumps(each.plain(), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            separator = b",\n"
    yield b"\n]\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else str(value)
    return plain_cell(text)
