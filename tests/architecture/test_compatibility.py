"""Tests that the edge routes the older paths as docs/compatibility.md says."""

from __future__ import annotations

import re
from pathlib import Path

from gtv.routes import CONSOLE, PRIVATE_NAMES, load_routes

ROOT = Path(__file__).parents[2]
ROUTES = load_routes(ROOT / "deploy/routes.yml")
TEXT = (ROOT / "docs/compatibility.md").read_text()
ROWS = [
    (name.partition("?")[0].rstrip("/"), here, state)
    for name, here, state in re.findall(r"^\| `(/[^`]+)` \| (.+) \| (works|later|private|never) \|$", TEXT, re.MULTILINE)
]
NAMES = {name for name, _, _ in ROWS}


def _leads(path: str) -> str | None:
    """Returns the path to which deploy/routes.yml leads an older one, None where it has no alias for it."""
    return next((to for alias in ROUTES.aliases if (to := alias.rewrite(path.replace("/*", "/x"))) is not None), None)


def test_every_alias_of_the_edge_is_in_the_document() -> None:
    assert {alias.path for alias in ROUTES.aliases} | set(ROUTES.health) <= NAMES
    assert set(PRIVATE_NAMES) <= NAMES


def test_routes_that_are_said_to_work_do() -> None:
    for name, here, state in ROWS:
        if state == "works" and name not in ROUTES.health:
            led = _leads(name)
            assert led is not None, name
            owner = next(alias.owner for alias in ROUTES.aliases if alias.rewrite(name.replace("/*", "/x")) is not None)
            assert owner == CONSOLE or f"`{led}" in here, name


def test_what_is_not_there_yet_is_not_routed() -> None:
    owned = {prefix for _, prefix in ROUTES.prefixes()}
    for name, _, state in ROWS:
        if state != "works":
            assert _leads(name) is None, name
            assert name not in owned
