"""Tests of reading plates from a spreadsheet's file, and of writing them there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alerts.conftest import NOW

from alerts.imports.domain.jobs import ImportInvalid, LineError
from alerts.imports.domain.sheets import Line, LineReader, Sheet, heading, line_of
from alerts.watchlists.domain import Entry, Match
from gtvision.events import Severity
from gtvision.ids import new_id
from gtvision.spreadsheets import plain_cell, unmarked

CITY = ZoneInfo("America/Sao_Paulo")
GATE, ONE, OTHER = new_id(), new_id(), new_id()
READER = LineReader(CITY, NOW, {"portão": GATE, "praça": None})


def lines(text: str | bytes) -> list[Line | LineError]:
    return list(READER.read(Sheet.open(text if isinstance(text, bytes) else text.encode())))


def only(text: str | bytes) -> Line:
    [line] = lines(text)
    assert isinstance(line, Line), line
    return line


def entry(plate: str = "ABC1234", match: Match = Match.ERA, **more: Any) -> Entry:
    return replace(Entry(new_id(), new_id(), new_id(), plate, match, "furto", None, NOW), **more)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ","])
def test_a_file_is_read_as_people_save_it(encoding: str, delimiter: str) -> None:
    head = ["Placa", "Motivo", "Base legal", "Prioridade", "Válido desde", "Validade", "Correspondência", "Câmeras", "Ativo"]
    cells = ["abc-1d23", "agressão", "Ofício 7", "Crítica", "2026-05-01", "31/12/2026", "semelhante", "Portão", "não"]
    read = only("\r\n".join(delimiter.join(each) for each in (head, cells)).encode(encoding))
    assert (read.number, read.plate) == (2, "ABC1D23")
    assert read.values == {
        "reason": "agressão",
        "legal_basis": "Ofício 7",
        "priority": Severity.CRITICAL,
        "valid_from": datetime(2026, 5, 1, 3, tzinfo=UTC),
        "valid_until": datetime(2027, 1, 1, 3, tzinfo=UTC),
        "match": Match.SIMILAR,
        "camera_ids": (GATE,),
        "enabled": False,
    }


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ("ABC123;;;", "placa", "plate_invalid"),
        ("ABC1234;às vezes;;", "correspondencia", "choice_unknown"),
        ("ABC1234;;31/02/2030;", "validade", "date_invalid"),
        ("ABC1234;;31/12/2999;", "validade", "date_invalid"),
        ("ABC1234;;01/01/2020;", "validade", "validity_invalid"),
        ("ABC1234;;;Rua que não há", "cameras", "camera_unknown"),
        ("ABC1234;;;Praça", "cameras", "camera_ambiguous"),
        ("ABC1234;;;;x", None, "too_many_cells"),
        ("ZZZ9J99;;;", "placa", "duplicate"),
    ],
)
def test_what_is_wrong_is_told_by_line_column_and_code(cells: str, column: str | None, code: str) -> None:
    read = lines(f"placa;match;validade;cameras\nZZZ9999;;;\n\n{cells}\nABC1111;;;\n")
    assert [type(each) for each in read] == [Line, LineError, Line]
    error = read[1]
    assert isinstance(error, LineError)
    assert (error.line, error.column, error.code) == (4, column, code)


@pytest.mark.parametrize(
    "file",
    [b"", b"motivo\nx", b"placa;cor\nABC1234;azul", b"placa;plate\nABC1234;ABC1234", b'placa\n"ABC1234', "placa\nABC1234".encode("utf-16")],
)
def test_what_is_no_list_of_plates_is_refused(file: bytes) -> None:
    with pytest.raises(ImportInvalid):
        Sheet.open(file)


def test_a_cell_may_span_lines_and_numbers_stay_those_of_the_file() -> None:
    read = lines('placa,motivo\nABC1234,"um\ndois"\nXX,\n')
    assert [each.number if isinstance(each, Line) else each.line for each in read] == [2, 4]


def test_what_the_file_does_not_say_stays() -> None:
    known = entry(reason="mandado", camera_ids=(GATE,), priority=Severity.INFO)
    assert only("placa\nABC1234").applied(known) == known
    assert only("placa;motivo\nABC1C34;").applied(known) == replace(known, reason="")


def test_the_other_spelling_of_an_exact_entry_is_looked_for_in_both() -> None:
    line = only("placa;match\nABC1C34;exata")
    once = line.applied(entry(match=Match.EXACT))
    assert (once.plate, once.match) == ("ABC1234", Match.ERA)
    assert line.applied(once) == once


@given(st.text(st.sampled_from("=+-@;'\" \t\nab"), max_size=8).map(str.strip), st.sampled_from(Match), st.sampled_from([None, *Severity]))
def test_an_exported_line_read_again_changes_nothing(reason: str, match: Match, priority: Severity | None) -> None:
    kept = entry(match=match, reason=reason, priority=priority, camera_ids=(GATE, ONE), enabled=False)
    kept = replace(kept, valid_from=NOW, valid_until=datetime(2100, 1, 1, 2, 3, 4, tzinfo=UTC))
    if unmarked(plain_cell(reason)) == reason:  # an apostrophe before a formula is taken for our own
        assert only(heading() + line_of(kept, CITY, {GATE: "Portão"})).applied(kept) == kept


@pytest.mark.parametrize("text", ["=1+1", "+55", "-1", "@x", "a;=1", "\t=1"])
def test_no_cell_becomes_a_formula(text: str) -> None:
    assert plain_cell(text) != text
    assert unmarked(plain_cell(text)) == text
