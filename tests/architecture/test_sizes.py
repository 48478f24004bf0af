"""The ceilings of the house: at 400 lines, stop and split by noun."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "gtvision": ("libs/domain/gtvision", 1_900),
    "chassis": ("libs/chassis/chassis", 8_100),
    "identity": ("services/identity/identity", 9_000),
    "cameras": ("services/cameras/cameras", 2_500),
    "streaming": ("services/streaming/streaming", 2_500),
    "ingest": ("services/ingest/ingest", 3_400),
    "ai_detect": ("services/ai-detect/ai_detect", 2_500),
    "alerts": ("services/alerts/alerts", 2_500),
    "media_standin": ("mediamtx/standin/media_standin", 4_200),
}
SOURCES = ("libs", "services", "mediamtx", "deploy")
BANNED_NAMES = {"utils", "helpers", "common", "core", "base", "manager", "misc"}
MODULE_LINES = 400


def modules(*folders: str) -> list[Path]:
    found = [path for folder in folders or SOURCES for path in (ROOT / folder).rglob("*.py")]
    return [path for path in found if "build" not in path.parts and ".venv" not in path.parts]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_no_module_exceeds_the_ceiling() -> None:
    found = modules(*SOURCES, "tests")
    assert {str(path.relative_to(ROOT)): lines(path) for path in found if lines(path) > MODULE_LINES} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path.name for path in modules() if path.stem in BANNED_NAMES] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_stay_within_their_size(package: str) -> None:
    folder, ceiling = PACKAGES[package]
    assert sum(lines(path) for path in (ROOT / folder).rglob("*.py")) <= ceiling


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if "migrations" not in path.parts and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []
