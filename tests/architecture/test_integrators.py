"""Tests that docs/integrators.md lists every error code of the API under its HTTP status, and no other."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from chassis.http.problems import KINDS
from gtv import edge
from gtvision.errors import GTVisionError

PAGE = Path(__file__).parents[2] / "docs/integrators.md"
PACKAGES = ("gtvision", "chassis", "city", "identity", "cameras", "streaming", "ingest", "ai_detect", "alerts")
ROW = re.compile(r"^\| ([\d, ]+) \| (.*?) \| .* \|$", re.MULTILINE)
NEVER_TOLD = {
    "error": "the root of the tree",
    "unsealable": "told as internal",
    "object_corrupt": "told as internal",
    "invalid_object_key": "keys are ours",
    "unroutable": "between services",
    "too_many_keys": "to operators, on the command line",
    "unknown_topic": "on the WebSocket",
}
OTHERS = {
    *((400, "malformed_json"), (400, "malformed_request"), (405, "method_not_allowed"), (406, "not_acceptable")),
    *((415, "unsupported_media_type"), (500, "internal"), (403, "https_required"), (503, "maintenance")),
}
"""Codes that belong to no error class: those of the frameworks, of unexpected errors and of the edge."""


def _below(kind: type[GTVisionError]) -> Iterator[type[GTVisionError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _told() -> set[tuple[int, str]]:
    for package in PACKAGES:
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if not module.name.endswith("__main__") and ".testing" not in module.name:
                importlib.import_module(module.name)
    mine = {each for each in _below(GTVisionError) if each.__module__.split(".")[0] in PACKAGES and each.code not in NEVER_TOLD}
    by_class = {(next(status for kind, status in KINDS if issubclass(each, kind)), each.code) for each in mine}
    return by_class | OTHERS | {(status, code) for status, (code, _) in edge.ERRORS.items()}


def _written() -> set[tuple[int, str]]:
    table = PAGE.read_text().partition("## Errors")[2].partition("\n## ")[0]
    pairs = set()
    for statuses, codes in ROW.findall(table):
        named = re.findall(r"`(\w+)`", codes)
        numbers = [int(status) for status in statuses.split(", ")]
        pairs |= {(number, code) for number in numbers for code in named}
    return pairs


def test_the_page_names_every_code_and_no_other() -> None:
    told, written = _told(), _written()
    several = {code for _, code in written if sum(1 for _, other in written if other == code) > 1}
    assert {code for _, code in told} == {code for _, code in written}
    wrong = {(status, code) for status, code in told if (status, code) not in written}
    assert not {(status, code) for status, code in wrong if code != "second_factor_invalid"}, "under another status"
    assert several, "rows with several statuses are read"
