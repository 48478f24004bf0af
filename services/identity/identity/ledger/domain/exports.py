"""An export as a file: entries as lines of CSV, or as a JSON array with one entry a line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from typing import Literal

from identity.ledger.domain.ledger import FIELDS, Chained

Form = Literal["csv", "json"]
MEDIA_TYPES: dict[Form, str] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}

COLUMNS = (*FIELDS, "prev_hash", "hash", "mac", "mac_kid")
_FORMULA = re.compile(r"^(?=[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20])|(?<=;)(?=[\s\"']*[=+\-@\uff0b\uff0d\uff1d\uff20])")
"""What a spreadsheet takes for a formula at the start of a cell: https://owasp.org/www-community/attacks/CSV_Injection

Also behind a semicolon: it parts cells wherever the comma parts decimals, as in Brazil."""


async def file_of(form: Form, pages: AsyncIterator[list[Chained]]) -> AsyncIterator[bytes]:
    """The file, a page at a time. It ends early where the ledger cannot be read on: JSON without its last bracket is no JSON."""
    if form == "csv":
        yield _line(COLUMNS)
        async for page in pages:
            yield b"".join(_line([_cell(each.plain()[name]) for name in COLUMNS]) for each in page)
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
    return _FORMULA.sub("'", text)


def _line(cells: tuple[str, ...] | list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
