"""The control API, version 3 (MediaMTX 1.20's names)."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gtvision.time import Clock
from media_standin import web
from media_standin.auth import AccessRefused, AccessRequest, Gatekeeper, delay_refusal, http_credentials
from media_standin.configuration import Configuration, PathNotFound
from media_standin.options import InvalidOption
from media_standin.paths import PathManager
from media_standin.recordings import Recordings
from media_standin.views import path_view

VERSION = "v1.20.1"
"""What the stand-in imitates."""

Action = Callable[[Request], Awaitable[Response]]
_GO_UUID_LENGTHS = {32, 36, 38, 45}


class Sessions(Protocol):
    """One kind of session, as the control API sees it."""

    def items(self) -> list[dict[str, Any]]: ...

    def kick(self, identity: UUID) -> bool: ...


@dataclass(frozen=True, slots=True)
class Kinds:
    """Sessions by the prefix of their endpoints; a server that is off has no entry, and so no endpoints."""

    sessions: Mapping[str, Sessions]
    muxers: Callable[[], list[dict[str, Any]]] | None


class ControlApi:
    """Routes and answers."""

    def __init__(self, configuration: Configuration, gatekeeper: Gatekeeper, paths: PathManager, kinds: Kinds, clock: Clock) -> None:
        self._configuration = configuration
        self._gatekeeper = gatekeeper
        self._paths = paths
        self._kinds = kinds
        self._recordings = Recordings(configuration)
        self._started: datetime = clock.now()

    def application(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            self._route("GET", "/info", self._info),
            self._route("POST", "/auth/jwks/refresh", self._nothing),
            self._route("GET", "/config/global/get", self._global_get),
            self._route("PATCH", "/config/global/patch", self._change(self._patch_global)),
            self._route("GET", "/config/pathdefaults/get", self._defaults_get),
            self._route("PATCH", "/config/pathdefaults/patch", self._change(self._patch_defaults)),
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
        routes: list[Route] = []
        for prefix, sessions in self._kinds.sessions.items():
            routes.append(self._route("GET", f"/{prefix}/list", _lister(sessions.items)))
            routes.append(self._route("GET", f"/{prefix}/get/{{id}}", _getter(sessions.items)))
            if not prefix.endswith("conns"):
                routes.append(self._route("POST", f"/{prefix}/kick/{{id}}", _kicker(sessions)))
        if self._kinds.muxers:
            routes.append(self._route("GET", "/hlsmuxers/list", _lister(self._kinds.muxers)))
            routes.append(self._route("GET", "/hlsmuxers/get/{name:path}", self._muxer_get))
        return routes

    def _route(self, method: str, path: str, action: Action) -> Route:
        async def guarded(request: Request) -> Response:
            refusal = await self._refusal(request)
            if refusal:
                return refusal
            try:
                return await action(request)
            except PathNotFound as error:
                return web.error(404, error)
            except (InvalidOption, web.TooLarge) as error:
                return web.error(400, error)

        return Route("/v3" + path, guarded, methods=[method])

    async def _refusal(self, request: Request) -> Response | None:
        trusted = self._configuration.options["apiTrustedProxies"]
        access = AccessRequest(
            action="api",
            ip=web.client_ip(request, trusted),
            credentials=http_credentials(request.headers.get("authorization", "")),
            query=request.url.query,
        )
        try:
            await self._gatekeeper.admit(access)
        except AccessRefused as refusal:
            await delay_refusal(refusal, f"[API {access.ip}]")
            return web.unauthenticated(ask=refusal.ask)
        return None

    async def _info(self, _: Request) -> Response:
        return web.Json({"version": VERSION, "started": web.instant(self._started)})

    async def _nothing(self, _: Request) -> Response:
        return web.ok()

    async def _global_get(self, _: Request) -> Response:
        options = dict(self._configuration.options)
        options["authInternalUsers"] = [{**user, "pass": "<redacted>" if user.get("pass") else ""} for user in options["authInternalUsers"]]
        return web.Json(options)

    async def _defaults_get(self, _: Request) -> Response:
        return web.Json(self._configuration.defaults)

    def _patch_global(self, _: str, changes: Mapping[str, Any]) -> None:
        self._configuration.patch_global(changes)

    def _patch_defaults(self, _: str, changes: Mapping[str, Any]) -> None:
        self._configuration.patch_defaults(changes)

    def _change(self, apply: Callable[[str, Mapping[str, Any]], None]) -> Action:
        async def action(request: Request) -> Response:
            name = _name(request) if "name" in request.path_params else ""
            changes = _document(await web.body(request))
            apply(name, changes)
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

    async def _muxer_get(self, request: Request) -> Response:
        assert self._kinds.muxers is not None
        name = _name(request)
        found = next((muxer for muxer in self._kinds.muxers() if muxer["path"] == name), None)
        return web.Json(found) if found else web.error(404, "muxer not found")

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
    text = str(request.path_params["id"])
    if len(text) not in _GO_UUID_LENGTHS:
        raise InvalidOption(f"invalid UUID length: {len(text)}")
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidOption("invalid UUID format") from error


def _lister(items: Callable[[], list[dict[str, Any]]]) -> Action:
    async def action(request: Request) -> Response:
        return _page(request, sorted(items(), key=lambda item: str(item["created"])))

    return action


def _getter(items: Callable[[], list[dict[str, Any]]]) -> Action:
    async def action(request: Request) -> Response:
        identity = str(_uuid(request))
        found = next((item for item in items() if item["id"] == identity), None)
        return web.Json(found) if found else web.error(404, "session not found")

    return action


def _kicker(sessions: Sessions) -> Action:
    async def action(request: Request) -> Response:
        return web.ok() if sessions.kick(_uuid(request)) else web.error(404, "session not found")

    return action
