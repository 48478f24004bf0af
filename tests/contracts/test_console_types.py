"""Tests that the console's types are those of the API, and that its modules fit them where Node and TypeScript are."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from tests.contracts import console_types
from tests.fixtures import needs


def test_the_types_are_current() -> None:
    stale = [path.name for path, text in console_types.files().items() if not path.exists() or path.read_text() != text]
    assert stale == [], "run make docs"


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({"type": "array", "items": {"$ref": "#/components/schemas/CameraOut"}}, "(CameraOut)[]"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"enum": ["open", "acknowledged"], "type": "string"}, '"open" | "acknowledged"'),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "Record<string, number>"),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]}, "[string, number]"),
    ],
)
def test_a_schema_is_written_as_its_type(schema: dict[str, object], written: str) -> None:
    assert (
        console_types.declarations("x", {"components": {"schemas": {"Thing": schema}}}).splitlines()[-1]
        == f"export type Thing = {written};"
    )


def test_the_modules_fit_their_types() -> None:
    tsc = shutil.which("tsc") or needs.lacks("TypeScript")
    done = subprocess.run([tsc, "-p", "console"], cwd=console_types.ROOT, capture_output=True, text=True, check=False)
    own = [line for line in done.stdout.splitlines() if "error TS" in line and not line.startswith("console/vendor/")]
    assert own == []
