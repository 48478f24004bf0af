"""The console's types, from the six OpenAPI documents: `python -m tests.contracts.console_types` writes console/types (`make docs`).

Only the schemas' shapes: they serve editors and `tsc -p console`, nothing is loaded from them in a browser.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.contracts.services import ROOT, SERVICES, build, environment

FOLDER = ROOT / "console/types"
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def declarations(service: str, document: Mapping[str, Any]) -> str:
    """Returns the text of the service's file: an interface or a type for each schema of its OpenAPI document."""
    lines = [f"// The schemas of the service {service}, generated from its OpenAPI document by `make docs`."]
    for name, schema in sorted(document.get("components", {}).get("schemas", {}).items()):
        lines += ["", *_comment(schema), *_declared(name.replace("[", "Of").replace("]", ""), schema)]
    return "\n".join(lines) + "\n"


def _comment(schema: Mapping[str, Any]) -> list[str]:
    text = str(schema.get("description", "")).strip().splitlines()
    return [f"/** {text[0].replace('*/', '* /')} */"] if text else []


def _declared(name: str, schema: Mapping[str, Any]) -> list[str]:
    if schema.get("type") != "object" or "properties" not in schema:
        return [f"export type {name} = {_type(schema)};"]
    required = set(schema.get("required", ()))
    fields = [
        f"  {json.dumps(field) if not field.isidentifier() else field}{'' if field in required else '?'}: {_type(each)};"
        for field, each in schema["properties"].items()
    ]
    return [f"export interface {name} {{", *fields, "}"]


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2].replace("[", "Of").replace("]", "")
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(_type(each) for each in schema[several]))
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(_type(each) for each in schema['prefixItems'])}]"
        return f"({_type(schema.get('items', {}))})[]"
    if kind == "object":
        inside = schema.get("additionalProperties")
        return f"Record<string, {_type(inside) if isinstance(inside, Mapping) else 'unknown'}>"
    return _PLAIN.get(str(kind), "unknown")


def files() -> dict[Path, str]:
    """Returns the files of console/types with their text."""
    with tempfile.TemporaryDirectory() as folder:
        documents = {name: build(name, environment(name, Path(folder))).api.openapi() for name in SERVICES}
    return {FOLDER / f"{name}.d.ts": declarations(name, document) for name, document in documents.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in files().items():
        path.write_text(text)
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
