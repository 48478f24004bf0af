"""Tests of the layout: the same module names in every service, a README each, an import contract for each."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if (path / "pyproject.toml").exists())
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())


def package(service: str) -> str:
    return service.replace("-", "_")


def test_there_are_six_services() -> None:
    assert SERVICES == ["ai-detect", "alerts", "cameras", "identity", "ingest", "streaming"]


def test_import_contracts_name_every_service() -> None:
    contracts = [contract for contract in CONFIG["tool"]["importlinter"]["contracts"] if contract.get("exhaustive")]
    named = {container for contract in contracts for container in contract["containers"]}
    assert named >= set(map(package, SERVICES))
    services = ROOT / "services"
    nouns = {".".join(verbs.parent.relative_to(services).parts[1:]) for verbs in services.glob("*/*/[!_]*/usecases*")}
    assert nouns
    assert named >= nouns


@pytest.mark.parametrize("service", SERVICES)
def test_a_readme_of_one_screen_says_owns_emits_listens_depends(service: str) -> None:
    text = (ROOT / "services" / service / "README.md").read_text()
    assert len(text.splitlines()) <= 60
    for word in ("owns", "emits", "listens", "depends on"):
        assert f"| {word} |" in text, word


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_a_package_with_its_composition_root(service: str) -> None:
    folder = ROOT / "services" / service / package(service)
    assert (folder / "app.py").exists()
    assert (folder / "py.typed").exists()


def test_local_parts_pin_each_other() -> None:
    # Another project could publish a bare name such as `cameras` on a public index.
    for path in ROOT.glob("*/*/pyproject.toml"):
        project = tomllib.loads(path.read_text())["project"]
        assert project["name"].startswith("gtvision-"), path
        for dependency in project.get("dependencies", []):
            if dependency.startswith("gtvision-"):
                assert dependency.endswith("==0.1.0"), dependency


def test_services_do_not_know_which_media_server_they_talk_to() -> None:
    for path in (ROOT / "services").rglob("*.py"):
        assert "standin" not in path.read_text().lower().replace("-", ""), path


def test_decisions_say_what_enforces_them() -> None:
    for path in sorted((ROOT / "docs/decisions").glob("*.md")):
        text = path.read_text()
        for heading in ("## Context", "## Decision", "## Consequences", "## Alternatives", "## What enforces it"):
            assert heading in text, f"{path.name} lacks {heading}"
