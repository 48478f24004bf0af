"""The control API, version 3 (MediaMTX 1.20's names)."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gtvision.time import Clock
from media_standin import web
from media_standin.auth import Authorizer
from media_standin.configuration import Configuration, PathNotFound
from media_standin.options import InvalidOption
from media_standin.paths import PathManager
from media_standin.recordings import Recordings
from media_standin.views import Kind, path_view

VERSION = "v1.20.1"
"""What the stand-in imitates."""

Action = Callable[[Request], Awaitable[Response]]


class ControlApi:
    """The control API's routes and their answers."""

    def __init__(
        self, configuration: Configuration, authorizer: Authorizer, paths: PathManager, kinds: Mapping[str, Kind], clock: Clock
    ) -> None:
        self._configuration = configuration
        self._authorizer = authorizer
        self._paths = paths
        self._kinds = kinds
        self._recordings = Recordings(configuration)
        self._started = clock.now()

    def application(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            self._route("GET", "/info", self._info),
            self._route("GET", "/config/paths/list", self._config_list),
            self._route("GET", "/config/paths/get/{name:path}", self._config_get),
            self._route("POST", "/config/paths/add/{name:path}", self._change(self._configuration.add)),
            self._route("PATCH", "/config/paths/patch/{name:path}", self._change(self._configuration.patch)),
            self._route("POST", "/config/paths/replace/{name:path}", self._change(self._configuration.replace)),
            self._route("DELETE", "/config/paths/delete/{name:path}", self._config_delete),
            self._route("GET", "/paths/list", self._paths_list),
            self._route("GET", "/paths/get/{name:path}", self._paths_get),
            self._route("GET", "/recordings/list", self._recordings_list),
            self._route("GET", "/recordings/get/{name:path}", self._recordings_get),
            self._route("DELETE", "/recordings/deletesegment", self._recordings_delete),
            *self._session_routes(),
        ]
        return web.application(routes, self._configuration.options["apiAllowOrigins"])

    def _session_routes(self) -> list[Route]:
        """A server that is off has no kinds, and so no endpoints."""
        routes: list[Route] = []
        for prefix, kind in self._kinds.items():
            routes.append(self._route("GET", f"/{prefix}/list", _lister(kind)))
            if prefix == "hlsmuxers":
                routes.append(self._route("GET", f"/{prefix}/get/{{name:path}}", _getter(kind, "path", _name, "muxer not found")))
            else:
                routes.append(self._route("GET", f"/{prefix}/get/{{id}}", _getter(kind, "id", _uuid, "session not found")))
            if kind.kick:
                routes.append(self._route("POST", f"/{prefix}/kick/{{id}}", _kicker(kind.kick)))
        return routes

    def _route(self, method: str, path: str, action: Action) -> Route:
        async def guarded(request: Request) -> Response:
            refusal = await self._authorizer.refusal(request, "api", self._configuration.options["apiTrustedProxies"])
            if refusal:
                return refusal
            try:
                return await action(request)
            except PathNotFound as error:
                return web.error(404, error)
            except (InvalidOption, web.TooLarge) as error:
                return web.error(400, error)

        return Route("/v3" + path, guarded, methods=[method])

    async def _info(self, _: Request) -> Response:
        return web.Json({"version": VERSION, "started": web.instant(self._started)})

    def _change(self, apply: Callable[[str, Mapping[str, Any]], None]) -> Action:
        async def action(request: Request) -> Response:
            apply(_name(request), _document(await web.body(request)))
            return web.ok()

        return action

    async def _config_list(self, request: Request) -> Response:
        return _page(request, list(self._configuration.paths.values()))

    async def _config_get(self, request: Request) -> Response:
        options = self._configuration.paths.get(_name(request))
        return web.Json(options) if options else web.error(404, "path configuration not found")

    async def _config_delete(self, request: Request) -> Response:
        self._configuration.delete(_name(request))
        return web.ok()

    async def _paths_list(self, request: Request) -> Response:
        return _page(request, [path_view(path) for path in await self._paths.all()])

    async def _paths_get(self, request: Request) -> Response:
        path = await self._paths.get(_name(request))
        return web.Json(path_view(path)) if path else web.error(404, "path not found")

    async def _recordings_list(self, request: Request) -> Response:
        return _page(request, await self._recordings.all())

    async def _recordings_get(self, request: Request) -> Response:
        return web.Json(await self._recordings.get(_name(request)))

    async def _recordings_delete(self, request: Request) -> Response:
        try:
            await self._recordings.delete(request.query_params.get("path", ""), request.query_params.get("start", ""))
        except (OSError, ValueError) as error:
            return web.error(400, error)
        return web.ok()


def _name(request: Request) -> str:
    name = str(request.path_params["name"])
    if not name:
        raise InvalidOption("invalid name")
    return name


def _document(data: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises InvalidOption."""
    if not data.strip():
        raise InvalidOption("unexpected end of JSON input")
    try:
        document = json.loads(data)
    except ValueError as error:
        raise InvalidOption(f"invalid JSON: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InvalidOption("json: cannot unmarshal array into Go value of type map[string]json.RawMessage")
    return document


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text):
        raise InvalidOption(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


def _page(request: Request, items: Sequence[Mapping[str, Any]]) -> Response:
    """One page of a list; a page beyond the end is empty."""
    size = _number(request.query_params.get("itemsPerPage", "100"))
    if size == 0:
        raise InvalidOption("invalid items per page")
    page = _number(request.query_params.get("page", "0"))
    shown = items[page * size : (page + 1) * size]
    return web.Json({"itemCount": len(items), "pageCount": -(-len(items) // size), "items": list(shown)})


def _uuid(request: Request) -> UUID:
    try:
        return UUID(str(request.path_params["id"]))
    except ValueError as error:
        raise InvalidOption("invalid UUID format") from error


def _lister(kind: Kind) -> Action:
    async def action(request: Request) -> Response:
        return _page(request, sorted(kind.items(), key=lambda item: str(item["created"])))

    return action


def _getter(kind: Kind, field: str, asked: Callable[[Request], object], missing: str) -> Action:
    async def action(request: Request) -> Response:
        wanted = str(asked(request))
        found = next((item for item in kind.items() if item[field] == wanted), None)
        return web.Json(found) if found else web.error(404, missing)

    return action


def _kicker(kick: Callable[[UUID], bool]) -> Action:
    async def action(request: Request) -> Response:
        return web.ok() if kick(_uuid(request)) else web.error(404, "session not found")

    return action
