"""Each service's documentation, offline and under a strict Content-Security-Policy: no script, no stylesheet from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
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
    "code{font:13px ui-monospace,monospace}table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th{border-color:#30363d}a{color:#58a6ff}}"
)


def router(app: FastAPI, service: str, asyncapi: Callable[[], dict[str, Any]] | None) -> APIRouter:
    """`/api/v1/docs/<service>/`, `openapi.json` and, for those who speak events, `asyncapi.json`."""
    routes = APIRouter(prefix=f"/api/v1/docs/{service}")

    @routes.get("/", include_in_schema=False, openapi_extra=PUBLIC)
    async def page() -> Response:
        return HTMLResponse(_page(app.openapi(), asyncapi is not None), headers=_HEADERS)

    @routes.get("/openapi.json", include_in_schema=False, openapi_extra=PUBLIC)
    async def openapi() -> Response:
        return JSONResponse(app.openapi())

    if asyncapi is not None:
        described = asyncapi

        @routes.get("/asyncapi.json", include_in_schema=False, openapi_extra=PUBLIC)
        async def events() -> Response:
            return JSONResponse(described())

    return routes


def _page(spec: dict[str, Any], has_events: bool) -> str:
    title = escape(str(spec["info"]["title"]))
    rows = "".join(
        f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td><td>{escape(str(operation.get('summary', '')))}"
        f"<br><small>{escape(str(operation.get('description', '')))}</small></td><td>{escape(_access(operation))}</td></tr>"
        for path, operations in sorted(spec.get("paths", {}).items())
        for method, operation in operations.items()
    )
    events = ' · <a href="asyncapi.json">asyncapi.json</a>' if has_events else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style>"
        f'<h1>{title}</h1><p><a href="openapi.json">openapi.json</a>{events}</p>'
        "<table><thead><tr><th>Method</th><th>Path</th><th>What it does</th><th>Access</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></html>"
    )


def _access(operation: dict[str, Any]) -> str:
    if operation.get("x-access") == "public":
        return "public"
    scopes = [scope for requirement in operation.get("security", ()) for scopes in requirement.values() for scope in scopes]
    return " or ".join(scopes) or "any token"
