"""Tests that the libraries of others are the files that `console/vendor/README.md` names, with their licences."""

from __future__ import annotations

import hashlib
import re

import pytest
from tests.console.origin import CONSOLE

VENDOR = CONSOLE / "vendor"
ROW = re.compile(r"^\| `([^`]+)` \| .*\| `([0-9a-f]{64})` \|$", re.MULTILINE)
NAMED = dict(ROW.findall((VENDOR / "README.md").read_text()))


def test_every_file_is_named_and_every_name_is_a_file() -> None:
    assert {path.name for path in VENDOR.iterdir() if path.suffix in {".mjs", ".js", ".css"}} == set(NAMED)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_file_is_what_was_taken(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == NAMED[name]


@pytest.mark.parametrize("name", sorted(NAMED))
def test_its_name_says_its_version_and_its_licence_lies_beside(name: str) -> None:
    library, version = re.fullmatch(r"([a-z-]+?)-(\d+\.\d+\.\d+)\.[a-z.]*m?js", name).groups()  # type: ignore[union-attr]
    row = next(line for line in (VENDOR / "README.md").read_text().splitlines() if f"`{name}`" in line)
    assert version in row
    family = library.removesuffix("-hooks").removesuffix("-core")
    assert (VENDOR / f"{family}.LICENSE").is_file()


def test_no_map_of_sources_is_asked_for() -> None:
    assert [path.name for path in VENDOR.glob("*js") if "sourceMappingURL" in path.read_text()] == []
