"""Text in a CSV file that a spreadsheet opens: a cell that looks like a formula must not become one."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

_FORMULA = re.compile(r"^(?=[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20])|(?<=;)(?=[\s\"']*[=+\-@\uff0b\uff0d\uff1d\uff20])")
"""What a spreadsheet takes for a formula at the start of a cell: https://owasp.org/www-community/attacks/CSV_Injection

Also behind a semicolon: it parts cells wherever the comma parts decimals, as in Brazil."""
_MARKED = re.compile(r"(?:^|(?<=;))'(?=[\s\"']*[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20])")


def plain_cell(text: str) -> str:
    """The text, marked with an apostrophe wherever a spreadsheet would take it for a formula."""
    return _FORMULA.sub("'", text)


def unmarked(cell: str) -> str:
    """The text that `plain_cell` was given."""
    return _MARKED.sub("", cell)


def csv_line(cells: Sequence[str], delimiter: str = ",") -> bytes:
    """One line of cells as they are, in UTF-8."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
