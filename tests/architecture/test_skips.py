"""Tests that every skipped test says what it needs: skips go through `tests.fixtures.needs`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.fixtures import needs

TESTS = Path(__file__).parents[1]
SKIP = re.compile(r"pytest\.(skip|importorskip)\(|mark\.(skip|skipif|xfail)\b|unittest\.skip")
ALLOWED = {"fixtures/needs.py", "architecture/test_skips.py"}


def test_skips_go_through_one_module() -> None:
    found = {str(path.relative_to(TESTS)) for path in TESTS.rglob("*.py") if SKIP.search(path.read_text())}
    assert found - ALLOWED == set()


def test_every_reason_says_what_to_do() -> None:
    said: list[str] = []
    reports = [type("Report", (), {"longrepr": ("file", 1, f"Skipped: {needs.reason('MediaMTX')}")})] * 3
    needs.summary(reports, said.append)
    assert said == [f"    3 {needs.reason('MediaMTX')}"]
