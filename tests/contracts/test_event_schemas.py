"""Tests that the schemas of events change by additions only; any other change is a new version beside the old one.

Listeners are upgraded before emitters, so a new optional field and a new value of an enumeration are additive. Nothing else is.
After an additive change:  python tests/contracts/test_event_schemas.py   (it refuses any other; delete the draft's file to start it anew)
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gtvision.events import EventData, event_types

SNAPSHOTS = Path(__file__).parent / "events"
_PROSE = {"title", "description", "examples"}


def schema_of(cls: type[EventData]) -> dict[str, Any]:
    """Returns the event's JSON schema as it is serialized, without descriptions."""
    return {"emitter": cls.emitter, **_plain(cls.model_json_schema(mode="serialization"))}


def _plain(node: Any, names: bool = False) -> Any:
    if isinstance(node, dict):
        return {k: _plain(v, k in {"properties", "$defs"}) for k, v in sorted(node.items()) if names or k not in _PROSE}
    return [_plain(item) for item in node] if isinstance(node, list) else node


def breaks(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yields every change from `old` to `new` that is not additive."""
    if isinstance(old, dict) and isinstance(new, dict):
        named = path.endswith(("/properties", "/$defs")) or "/default/" in f"{path}/"  # a new field's default is in that of what holds it
        for name in old.keys() | new.keys():
            here = f"{path}/{name}"
            if name not in new:
                yield f"{here} is gone"
            elif name not in old:
                if not named:
                    yield f"{here} is new"
            elif name == "enum" and isinstance(old[name], list):
                yield from (f"{here} lost {value}" for value in old[name] if value not in new[name])
            elif name == "required" and isinstance(old[name], list):  # and not a field named `required`
                # A field that becomes required breaks messages that are on their way; one that becomes optional breaks old listeners.
                yield from (f"{here} changed at {value}" for value in set(old[name]) ^ set(new[name]))
            else:
                yield from breaks(old[name], new[name], here)
    elif old != new:
        yield f"{path} changed from {old} to {new}"


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("key", event_types())
def test_the_recorded_schema_is_the_present_one(key: str) -> None:
    path = SNAPSHOTS / f"{key}.json"
    assert path.exists(), f"{key} is not on record: python tests/contracts/test_event_schemas.py"
    now, before = schema_of(event_types()[key]), json.loads(path.read_text(encoding="utf-8"))
    assert list(breaks(before, now)) == []
    assert _text(now) == path.read_text(encoding="utf-8"), "an additive change is not on record yet"


def test_no_recorded_schema_is_removed() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} <= set(event_types())


@pytest.mark.parametrize("key", event_types())
def test_keys_are_noun_participle_version(key: str) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+\.v[1-9]\d*", key)


@pytest.mark.parametrize(
    ("change", "additive"),
    [
        ({"properties": {"a": {"type": "string"}, "b": {"default": None}}}, True),
        ({"properties": {"a": {"type": "integer"}}}, False),
        ({"properties": {}}, False),
        ({"required": []}, False),
        ({"required": ["a", "b"], "properties": {"a": {"type": "string"}, "b": {}}}, False),
        ({"$defs": {"E": {"enum": ["x", "y"]}}}, True),
        ({"$defs": {"E": {"enum": ["y"]}}}, False),
    ],
)
def test_what_counts_as_additive(change: dict[str, Any], additive: bool) -> None:
    before: dict[str, Any] = {"properties": {"a": {"type": "string"}}, "required": ["a"], "$defs": {"E": {"enum": ["x"]}}}
    assert (list(breaks(before, {**before, **change})) == []) is additive


def _record() -> int:
    """Writes the schemas that are new or had additions, and refuses other changes."""
    refused = 0
    for key, cls in event_types().items():
        path, now = SNAPSHOTS / f"{key}.json", schema_of(cls)
        problems = list(breaks(json.loads(path.read_text(encoding="utf-8")), now)) if path.exists() else []
        for problem in problems:
            print(f"{key}: {problem}", file=sys.stderr)
            refused += 1
        if not problems:
            path.write_text(_text(now), encoding="utf-8")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(_record())
