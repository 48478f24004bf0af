"""Plates as lines of a CSV file: as people keep them in spreadsheets, to entries and back."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts.imports.domain.jobs import MAX_BYTES, MAX_LINES, ImportInvalid, LineError
from alerts.watchlists.domain import Entry, Match, check_validity, valid_plate
from gtvision import plate as plates
from gtvision.errors import Invalid, InvalidPlate
from gtvision.events import Severity
from gtvision.spreadsheets import csv_line, plain_cell, unmarked
from gtvision.time import EARLIEST, LATEST, isoformat, utc

_NAMES = {
    "plate": ("placa", "plate"),
    "match": ("correspondencia", "match"),
    "reason": ("motivo", "reason"),
    "legal_basis": ("base_legal", "legal_basis"),
    "priority": ("prioridade", "priority"),
    "valid_from": ("valido_desde", "valida_desde", "valid_from"),
    "valid_until": ("validade", "valido_ate", "valida_ate", "valid_until"),
    "enabled": ("ativo", "ativa", "enabled"),
    "cameras": ("cameras", "camera"),
}
"""Field -> what its column may be called; the first is what an export calls it."""
_FIELD = {name: field for field, names in _NAMES.items() for name in names}
_MATCHES = {"exact": Match.EXACT, "exata": Match.EXACT, "era": Match.ERA, "similar": Match.SIMILAR, "semelhante": Match.SIMILAR}
_PRIORITIES = {
    **{each.value: each for each in Severity},
    "critica": Severity.CRITICAL,
    "alta": Severity.CRITICAL,
    "aviso": Severity.WARNING,
    "media": Severity.WARNING,
    "baixa": Severity.INFO,
    "informacao": Severity.INFO,
}
_TRUTHS = {"sim": True, "s": True, "true": True, "1": True, "nao": False, "n": False, "false": False, "0": False}
_OUT = {Match.EXACT: "exata", Match.ERA: "era", Match.SIMILAR: "semelhante"}
_PRIORITY_OUT = {Severity.CRITICAL: "critica", Severity.WARNING: "aviso", Severity.INFO: "baixa", None: ""}
_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: (\d{1,2}):(\d{2}))?")
_LONGEST = 500
_BETWEEN = "|"
BOM = "\ufeff".encode()
"""By it a spreadsheet takes the file for UTF-8."""


def _word(text: str) -> str:
    """Lower case, without accents, and with one underscore for whatever parts words: Correspondência -> correspondencia."""
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


class _CellInvalid(Exception):
    def __init__(self, column: str | None, code: str, message: str) -> None:
        super().__init__(message)
        self.column, self.code, self.message = column, code, message


@dataclass(frozen=True, slots=True)
class Sheet:
    """A readable file. `lines` are those that hold something, without the column names."""

    text: str
    delimiter: str
    fields: tuple[str, ...]
    lines: int = 0

    @classmethod
    def open(cls, raw: bytes) -> Sheet:
        """Raises: ImportInvalid."""
        if len(raw) > MAX_BYTES:
            raise ImportInvalid(f"The file is larger than {MAX_BYTES // 1_000_000} MB: split it.")
        text = _decoded(raw)
        first = text[: text.find("\n")] if "\n" in text else text
        sheet = cls(text, ";" if first.count(";") >= first.count(",") else ",", ())
        found = sheet._cells()
        try:
            sheet = replace(sheet, fields=_fields(next(found, (1, []))[1]))
            lines = sum(1 for _ in found)
        except csv.Error as error:
            raise ImportInvalid(f"The file is no CSV: {error}.") from None
        if lines > MAX_LINES:
            raise ImportInvalid(f"The file has {lines} lines, and {MAX_LINES} are taken at once: split it.")
        return replace(sheet, lines=lines)

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        """Yields each line that holds something with its number."""
        reader, line = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter, strict=True), 1
        for cells in reader:
            if any(each.strip() for each in cells):
                yield line, cells
            line = reader.line_num + 1

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yields number and cells of each line below the column names."""
        found = self._cells()
        next(found, None)
        yield from found


def _decoded(raw: bytes) -> str:
    """UTF-8, or what Excel in Brazil saves."""
    if b"\0" in raw:  # also UTF-16, Excel's "Unicode text"
        raise ImportInvalid("The file is no text in UTF-8 or Windows-1252: save it as CSV.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _fields(cells: list[str]) -> tuple[str, ...]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    unknown = [each for each in cells if _word(each) not in _FIELD]
    if unknown:
        known = ", ".join(names[0] for names in _NAMES.values())
        raise ImportInvalid(f"The first line names a column that is not known: '{unknown[0][:60]}'. Columns are {known}.")
    fields = tuple(_FIELD[_word(each)] for each in cells)
    if "plate" not in fields or len(set(fields)) < len(fields):
        raise ImportInvalid("The first line names each column once, and one of them is 'placa'.")
    return fields


@dataclass(frozen=True, slots=True)
class Line:
    """A valid line: the plate, and what the file says of its entry. A column that the file lacks says nothing."""

    number: int
    plate: str
    values: Mapping[str, Any]

    def applied(self, known: Entry) -> Entry:
        """The entry of the vehicle as the file wants it. Its plate stays; spelled in the other era it is looked for in both."""
        match = self.values.get("match", known.match)
        if match is Match.EXACT and self.plate != known.plate:
            match = Match.ERA
        return replace(known, **{**self.values, "match": match})


CameraIds: TypeAlias = Mapping[str, UUID | None]
"""Name of a camera -> its id; None where two have that name."""


@dataclass(frozen=True, slots=True)
class LineReader:
    """Reads the lines of one file: dates are in the city's zone, and `now` is when it was sent, whenever it is read."""

    zone: ZoneInfo
    now: datetime
    cameras: CameraIds

    def read(self, sheet: Sheet) -> Iterator[Line | LineError]:
        """Yields every line, valid or not, in order. A vehicle is on one line only."""
        seen: dict[str, int] = {}
        for number, cells in sheet.rows():
            try:
                line = self._line(number, sheet.fields, cells)
                earlier = seen.setdefault(plates.key(line.plate), number)
                if earlier != number:
                    raise _CellInvalid("plate", "duplicate", f"The vehicle is on line {earlier} already.")
            except _CellInvalid as error:
                column = _NAMES[error.column][0] if error.column else None
                yield LineError(number, column, error.code, error.message)
            else:
                yield line

    def _line(self, number: int, fields: tuple[str, ...], cells: list[str]) -> Line:
        if any(each.strip() for each in cells[len(fields) :]):
            raise _CellInvalid(None, "too_many_cells", "The line has more cells than there are columns.")
        texts = {name: unmarked(cell).strip() for name, cell in zip(fields, cells, strict=False)}
        values = {name: self._value(name, texts.get(name, "")) for name in fields}
        if "cameras" in values:
            values["camera_ids"] = values.pop("cameras")
        try:
            check_validity(values.get("valid_from"), values.get("valid_until"), self.now)
        except Invalid as error:
            raise _CellInvalid("valid_until", "validity_invalid", error.message) from None
        return Line(number, values.pop("plate"), values)

    def _value(self, name: str, text: str) -> Any:
        match name:
            case "plate":
                return _plate(text)
            case "match":
                return _choice(name, text, _MATCHES, Match.ERA)
            case "priority":
                return _choice(name, text, _PRIORITIES, None)
            case "enabled":
                return _choice(name, text, _TRUTHS, True)
            case "valid_from" | "valid_until":
                return self._instant(name, text) if text else None
            case "cameras":
                return tuple(self._camera(each.strip()) for each in text.split(_BETWEEN) if each.strip())
            case _:
                if len(text) > _LONGEST:
                    raise _CellInvalid(name, "too_long", f"The text has more than {_LONGEST} characters.")
                return text

    def _camera(self, text: str) -> UUID:
        name = text.casefold()
        found = self.cameras.get(name)
        if found is not None:
            return found
        if name in self.cameras:
            raise _CellInvalid("cameras", "camera_ambiguous", f"Several cameras are called '{text[:60]}': write the id.")
        try:
            return UUID(text)
        except ValueError:
            raise _CellInvalid("cameras", "camera_unknown", f"There is no camera '{text[:60]}'.") from None

    def _instant(self, name: str, text: str) -> datetime:
        """A day is meant from its beginning or through its end, in the city's zone."""
        try:
            found = _day_or_instant(text)
            if not isinstance(found, datetime):
                found = datetime.combine(found + timedelta(days=1) if name == "valid_until" else found, time())
            instant = utc(found if found.tzinfo else found.replace(tzinfo=self.zone))
        except (ValueError, OverflowError):
            raise _CellInvalid(name, "date_invalid", f"'{text[:40]}' is no date such as 31/12/2026 or 2026-12-31.") from None
        if not EARLIEST <= instant <= LATEST:
            raise _CellInvalid(name, "date_invalid", "The date is outside the years 1970 to 2200.")
        return instant


def _plate(text: str) -> str:
    try:
        return valid_plate(text)
    except InvalidPlate as error:
        raise _CellInvalid("plate", "plate_invalid", error.message) from None


def _choice(name: str, text: str, choices: Mapping[str, Any], empty: Any) -> Any:
    if not text:
        return empty
    if _word(text) not in choices:
        raise _CellInvalid(name, "choice_unknown", f"'{text[:40]}' is none of {', '.join(choices)}.")
    return choices[_word(text)]


def _day_or_instant(text: str) -> date | datetime:
    if found := _DAY.fullmatch(text):
        day, month, year, hour, minute = found.groups()
        at = date(int(year), int(month), int(day))
        return at if hour is None else datetime.combine(at, time(int(hour), int(minute)))
    return date.fromisoformat(text) if len(text) == len("2026-12-31") else datetime.fromisoformat(text)


def heading() -> bytes:
    """The first line of an export."""
    return BOM + csv_line([names[0] for names in _NAMES.values()], ";")


def line_of(entry: Entry, zone: ZoneInfo, names: Mapping[UUID, str]) -> bytes:
    """The line of an entry. Read by an import it changes nothing: hours and groups, which it does not say, stay."""
    cells = [
        entry.plate,
        _OUT[entry.match],
        entry.reason,
        entry.legal_basis,
        _PRIORITY_OUT[entry.priority],
        _day_out(entry.valid_from, zone),
        _day_out(entry.valid_until, zone),
        "sim" if entry.enabled else "nao",
        _BETWEEN.join(names.get(each, str(each)) for each in entry.camera_ids),
    ]
    return csv_line([plain_cell(each) for each in cells], ";")


def _day_out(at: datetime | None, zone: ZoneInfo) -> str:
    if at is None:
        return ""
    local = at.astimezone(zone)
    return f"{local:%d/%m/%Y %H:%M}" if local.second == local.microsecond == local.fold == 0 else isoformat(at)
