"""Refuses query parameters that a route does not declare: a filter with a wrong name would be ignored, and the answer hold everything.

A refused request gets 422 with the parameter in `errors`, after its token was looked at; a WebSocket is closed with 1008. A request
without a query costs one comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, WebSocket
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.security.base import SecurityBase
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.http.provided import flat

_MARK = "takes_any_parameter"
_POLICY_VIOLATION = 1008

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def takes_any_parameter(endpoint: Endpoint) -> Endpoint:
    """Marks an endpoint that another party calls, such as an identity provider that adds parameters of its own."""
    setattr(endpoint, _MARK, True)
    return endpoint


def refuse_unknown_parameters(app: FastAPI) -> None:
    """Makes every route of the routers that the app has included refuse what it does not declare."""
    for context in included_routes(app):
        target = context if getattr(context, "dependant", None) is not None else context.starlette_route
        dependant = getattr(target, "dependant", None)
        if isinstance(dependant, Dependant) and not getattr(dependant.call, _MARK, False):
            target.app = _checked(target.app, dependant)


def included_routes(app: FastAPI) -> Iterator[Any]:
    """Returns what FastAPI keeps of each route of the included routers: `methods`, `path_format`, `dependant`, `openapi_extra`, `app`."""
    for router in app.routes:
        yield from getattr(router, "effective_route_contexts", tuple)()


def _checked(inner: ASGIApp, dependant: Dependant) -> ASGIApp:
    declared = {name for each in flat(dependant) for name in _declared(each)}
    guards: list[Any] = [each.call for each in flat(dependant) if isinstance(each.call, SecurityBase)]  # they ask for the caller's token

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        unknown = _unknown(scope["query_string"], declared) if scope["query_string"] else None
        if not unknown:
            await inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await _close(WebSocket(scope, receive, send))
        else:
            for guard in guards:
                await guard(Request(scope, receive))
            raise RequestValidationError([_error(name, declared) for name in unknown])

    return app


def _declared(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (each.alias or name for name, each in kind.model_fields.items())
        else:
            yield field.alias


def _unknown(query: bytes, declared: set[str]) -> list[str]:
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return list(dict.fromkeys(name for name, _ in given if name not in declared))


def _error(name: str, declared: set[str]) -> dict[str, object]:
    takes = ", ".join(sorted(declared)) or "none"
    return {"type": "extra_forbidden", "loc": ("query", name), "msg": f"There is no such parameter; this path takes: {takes}."}


async def _close(websocket: WebSocket) -> None:
    await websocket.accept()  # a browser learns the reason only from a socket that was open
    await websocket.close(_POLICY_VIOLATION, "invalid")
