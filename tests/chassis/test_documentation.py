"""Tests of the page that a service shows about itself."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
from fastapi import FastAPI

from chassis import documentation

_DOCUMENT: dict[str, Any] = {
    "info": {"title": "<b>Bold</b>"},
    "paths": {
        "/x/{one}": {
            "put": {
                "summary": "Put",
                "description": "Puts <it>.",
                "parameters": [
                    {"name": "one", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
                    {
                        "name": "q",
                        "in": "query",
                        "description": "How",
                        "schema": {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]},
                    },
                    {"name": "if-match", "in": "header", "schema": {"type": "string", "default": "*"}},
                ],
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Body"}}}},
                "responses": {
                    "200": {"description": "Fine", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}}
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Body": {
                "properties": {"colour": {"enum": ["red", "blue"]}, "inner": {"$ref": "#/components/schemas/Inner"}},
                "required": ["colour"],
            },
            "Inner": {"description": "Inside.", "properties": {"depth": {"type": "number", "exclusiveMinimum": 0}}},
            "Page": {"properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}}},
        }
    },
}


def _text(html: str) -> str:
    """What a reader sees, with a bar between the cells."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html.replace("</td>", " | "))).split())


async def test_an_operation_shows_its_parameters_body_and_answers() -> None:
    app = FastAPI()
    app.openapi = lambda: _DOCUMENT  # type: ignore[method-assign]
    app.include_router(documentation.router(app, "x", None))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        page = (await client.get("/api/v1/docs/x/")).text
    operation = _text(page[page.index("<details>") : page.index("</details>")])
    assert operation.startswith("PUT /x/{one} Put (any token)Puts <it>.")
    assert "one | path | string (uuid) | yes |" in operation
    assert "q | query | integer or null | no | How. <= 9. |" in operation
    assert 'if-match | header | string | no | Default: "*". |' in operation
    body = operation[operation.index("Request body: application/json, required") :]
    assert "colour | red or blue | yes |" in body
    assert "inner | Inner | no |" in body
    assert "items | list of Inner | no |" in body[body.index("Response 200: Fine") :]
    schema = page[page.index('<details id="Inner">') :]
    assert "Inside." in schema
    assert "depth | number | no | > 0. |" in _text(schema)
    assert '<a href="#Inner">Inner</a>' in page
    assert "<b>" not in page
    assert "<it>" not in page
