"""Each service's documentation, offline and under a strict Content-Security-Policy: no script, no stylesheet from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse, JSONResponse, Response

PUBLIC: dict[str, Any] = {"x-access": "public"}
"""`openapi_extra` of a route that needs no token; the tests know the list."""

_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
}
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}"
    "code{font:13px ui-monospace,monospace;overflow-wrap:break-word}table{border-collapse:collapse;width:100%;margin:.3rem 0 1rem}"
    "td,th{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}"
    "details{border-bottom:1px solid #d8dee4}summary{padding:.5rem 0;cursor:pointer}"
    "details>div{padding:0 0 .5rem 1.2rem}h3{font-size:1em;margin:.8rem 0 0}"
    "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th,details{border-color:#30363d}a{color:#58a6ff}}"
)
_LIMITS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<", "pattern": "matches"}
_LIMITS |= {"minLength": "length >=", "maxLength": "length <=", "minItems": "items >=", "maxItems": "items <="}
"""Words for the limits of JSON Schema."""


def router(app: FastAPI, service: str, asyncapi: Callable[[], dict[str, Any]] | None) -> APIRouter:
    """`/api/v1/docs/<service>/`, `openapi.json` and, for those who speak events, `asyncapi.json`."""
    routes = APIRouter(prefix=f"/api/v1/docs/{service}")

    @routes.get("/", include_in_schema=False, openapi_extra=PUBLIC)
    async def page() -> Response:
        return HTMLResponse(str(_Page(app.openapi(), asyncapi is not None)), headers=_HEADERS)

    @routes.get("/openapi.json", include_in_schema=False, openapi_extra=PUBLIC)
    async def openapi() -> Response:
        return JSONResponse(app.openapi())

    if asyncapi is not None:
        described = asyncapi

        @routes.get("/asyncapi.json", include_in_schema=False, openapi_extra=PUBLIC)
        async def events() -> Response:
            return JSONResponse(described())

    return routes


class _Page:
    """Writes the page of one service from its OpenAPI document."""

    def __init__(self, spec: Mapping[str, Any], has_events: bool) -> None:
        self._spec = spec
        self._has_events = has_events
        self._schemas: Mapping[str, Any] = spec.get("components", {}).get("schemas", {})

    def __str__(self) -> str:
        title = escape(str(self._spec["info"]["title"]))
        paths = sorted(self._spec.get("paths", {}).items())
        operations = "".join(self._operation(method, path, each) for path, methods in paths for method, each in methods.items())
        schemas = "".join(
            f'<details id="{escape(name)}"><summary>{_code(name)}</summary><div>{_described(schema)}{self._fields(schema)}</div></details>'
            for name, schema in sorted(self._schemas.items())
        )
        events = ' · <a href="asyncapi.json">asyncapi.json</a>' if self._has_events else ""
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{title}</title><style>{_STYLE}</style>"
            f'<h1>{title}</h1><p><a href="/api/v1/docs/">All services</a> · <a href="openapi.json">openapi.json</a>{events}</p>'
            f"<h2>Operations</h2>{operations}<h2>Schemas</h2>{schemas}</html>"
        )

    def _operation(self, method: str, path: str, operation: Mapping[str, Any]) -> str:
        name, access = escape(str(operation.get("summary", ""))), escape(_access(operation))
        head = f"<code>{method.upper()} {escape(path)}</code> {name} <small>({access})</small>"
        rest = f"{_described(operation)}{self._parameters(operation)}{self._body(operation)}{self._answers(operation)}"
        return f"<details><summary>{head}</summary><div>{rest}</div></details>"

    def _parameters(self, operation: Mapping[str, Any]) -> str:
        rows = [
            (_code(each["name"]), each["in"], _kind(each.get("schema", {})), _yes(each.get("required")), _notes(each))
            for each in operation.get("parameters", ())
        ]
        return f"<h3>Parameters</h3>{_table(('Name', 'In', 'Type', 'Required', 'Description'), rows)}" if rows else ""

    def _body(self, operation: Mapping[str, Any]) -> str:
        body = operation.get("requestBody", {})
        required = ", required" if body.get("required") else ""
        return "".join(
            f"<h3>Request body: {escape(kind)}{required}</h3>{self._shape(content.get('schema', {}))}"
            for kind, content in body.get("content", {}).items()
        )

    def _answers(self, operation: Mapping[str, Any]) -> str:
        parts = []
        for status, answer in operation.get("responses", {}).items():
            parts.append(f"<h3>Response {escape(status)}: {escape(str(answer.get('description', '')))}</h3>")
            parts += [self._shape(content["schema"]) for content in answer.get("content", {}).values() if content.get("schema")]
        return "".join(parts)

    def _shape(self, schema: Mapping[str, Any]) -> str:
        """The name of a schema, and its fields; where it is a list or a choice, the fields of what is in it."""
        named = {name: self._schemas.get(name, {}) for name in _names(schema)}
        fields = "".join((_code(name) if len(named) > 1 else "") + self._fields(each) for name, each in named.items())
        return f"<p>{_kind(schema)}</p>{fields or self._fields(schema)}"

    @staticmethod
    def _fields(schema: Mapping[str, Any]) -> str:
        required = schema.get("required", ())
        rows = [(_code(name), _kind(each), _yes(name in required), _notes(each)) for name, each in schema.get("properties", {}).items()]
        return _table(("Field", "Type", "Required", "Description"), rows) if rows else f"<p>{_kind(schema)} {_notes(schema)}</p>"


def _kind(schema: Mapping[str, Any]) -> str:
    """The type in words; another schema is a link to it."""
    if name := _name(schema):
        return f'<a href="#{escape(name)}">{escape(name)}</a>'
    if choices := [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]:
        return " or ".join(map(_kind, choices))
    if "const" in schema:
        return _code(str(schema["const"]))
    if "enum" in schema:
        return " or ".join(_code(str(value)) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    kind = schema.get("type", "anything")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return escape(f"{words} ({schema['format']})" if "format" in schema else words)


def _notes(field: Mapping[str, Any]) -> str:
    """What is said of a field or parameter: its description, its default, its limits."""
    schema = field.get("schema", field)
    choices = [schema, *(choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null")]
    limits = [f"{word} {choice[key]}" for choice in choices for key, word in _LIMITS.items() if key in choice]
    description = str(field.get("description") or schema.get("description") or "").rstrip(".")
    said = [f"{description}." if description else ""]
    said += [f"Default: {json.dumps(schema['default'])}."] if schema.get("default") is not None else []
    said += [f"{', '.join(limits)}."] if limits else []
    return escape(" ".join(filter(None, said)))


def _name(schema: Mapping[str, Any]) -> str | None:
    return str(schema["$ref"]).rpartition("/")[2] if "$ref" in schema else None


def _names(schema: Mapping[str, Any]) -> Iterator[str]:
    if name := _name(schema):
        yield name
    for below in (schema.get("items"), *schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        if isinstance(below, dict):
            yield from _names(below)


def _described(what: Mapping[str, Any]) -> str:
    return f"<p>{escape(str(what['description']))}</p>" if what.get("description") else ""


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML already."""
    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _access(operation: Mapping[str, Any]) -> str:
    if operation.get("x-access") == "public":
        return "public"
    scopes = [scope for requirement in operation.get("security", ()) for scopes in requirement.values() for scope in scopes]
    return " or ".join(scopes) or "any token"
