"""Who may do what: MediaMTX's internal users, or one HTTP question per request to the hook."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

import httpx
from starlette.requests import Request
from starlette.responses import Response

from media_standin import web
from media_standin.options import InvalidOption, Options, duration

log = logging.getLogger("media_standin.auth")

MAX_DELAY_MS = 4_000
"""Wrong credentials wait a random time up to this long, as in MediaMTX."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client sent to prove who it is."""

    user: str = ""
    password: str = ""
    token: str = ""

    @property
    def absent(self) -> bool:
        return not (self.user or self.password or self.token)


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Everything that the hook is asked about."""

    action: str
    ip: str
    credentials: Credentials
    path: str = ""
    query: str = ""
    protocol: str = ""
    id: UUID | None = None
    user_agent: str = ""


class AccessRefused(PermissionError):
    """`ask` tells that no credentials came and that the client should be asked for them."""

    def __init__(self, reason: str, *, ask: bool) -> None:
        super().__init__(reason)
        self.ask = ask


def http_access(request: Request, trusted: Sequence[str], protocol: str, path: str, query: str, identity: UUID | None) -> AccessRequest:
    """What the hook is asked about a viewer who comes by HTTP."""
    return AccessRequest(
        action="read",
        ip=web.client_ip(request, trusted),
        credentials=http_credentials(request.headers.get("authorization", "")),
        path=path,
        query=query,
        protocol=protocol,
        id=identity,
        user_agent=request.headers.get("user-agent", ""),
    )


def secret_id() -> UUID:
    """A random UUID that cannot be guessed: it alone opens a session's URLs."""
    return UUID(bytes=secrets.token_bytes(16), version=4)


def http_credentials(header: str) -> Credentials:
    """Of an Authorization header: Basic, Bearer with a token, or Bearer with user:password."""
    scheme, _, value = header.partition(" ")
    if scheme == "Bearer":
        user, colon, password = value.partition(":")
        return Credentials(user=user, password=password) if colon else Credentials(token=value)
    if scheme != "Basic":
        return Credentials()
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return Credentials()
    return Credentials(user=user, password=password)


class Authorizer:
    """Asks the hook (`authMethod: http`) or looks among the internal users."""

    def __init__(self, options: Options) -> None:
        self._method = str(options["authMethod"])
        if self._method not in {"internal", "http"}:
            raise InvalidOption(f"authMethod '{self._method}' is not supported by the stand-in, only internal and http")
        self._users: list[dict[str, Any]] = options["authInternalUsers"]
        self._address = str(options["authHTTPAddress"])
        if self._method == "http" and not self._address.startswith(("http://", "https://")):
            raise InvalidOption("'authHTTPAddress' must be a HTTP URL")
        self._exclude: list[dict[str, Any]] = options["authHTTPExclude"]
        # A fresh connection for each question, as MediaMTX does it.
        self._client = httpx.AsyncClient(
            timeout=duration(options, "readTimeout").total_seconds(), limits=httpx.Limits(max_keepalive_connections=0), trust_env=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def authorize(self, request: AccessRequest) -> str:
        """The user's name. Raises AccessRefused."""
        if self._method == "internal":
            reason = None if self._known(request) else "authentication failed"
        else:
            reason = await self._ask_hook(request)
        if reason is not None:
            raise AccessRefused(reason, ask=request.credentials.absent)
        return request.credentials.user

    async def refusal(self, request: Request, action: str, trusted: Sequence[str], path: str = "") -> Response | None:
        """The answer for a caller who may not use one of our HTTP services, None where the caller may."""
        ip = web.client_ip(request, trusted)
        credentials = http_credentials(request.headers.get("authorization", ""))
        try:
            await self.authorize(AccessRequest(action=action, ip=ip, credentials=credentials, path=path, query=request.url.query))
        except AccessRefused as refused:
            await delay_refusal(refused, f"[{action} {ip}]")
            return web.unauthenticated(ask=refused.ask)
        return None

    async def _ask_hook(self, request: AccessRequest) -> str | None:
        if _permitted(self._exclude, request):
            return None
        credentials = request.credentials
        question = {
            "ip": request.ip,
            "user": credentials.user,
            "password": credentials.password,
            "token": credentials.token or credentials.password,
            "action": request.action,
            "path": request.path,
            "protocol": request.protocol,
            "id": str(request.id) if request.id else None,
            "query": request.query,
            "userAgent": request.user_agent,
        }
        try:
            answer = await self._client.post(self._address, json=question)
        except httpx.HTTPError as error:
            return f"HTTP request failed: {error or type(error).__name__}"
        return None if answer.is_success else f"server replied with code {answer.status_code}: {answer.text[:200]}"

    def _known(self, request: AccessRequest) -> bool:
        return any(_is_user(user, request) and _permitted(user.get("permissions", []), request) for user in self._users)


def _is_user(user: Mapping[str, Any], request: AccessRequest) -> bool:
    networks = user.get("ips") or []
    if networks and not any(ip_address(request.ip) in ip_network(network, strict=False) for network in networks):
        return False
    if user.get("user") == "any":
        return True
    same_user = secrets.compare_digest(str(user.get("user", "")).encode(), request.credentials.user.encode())
    return secrets.compare_digest(str(user.get("pass", "")).encode(), request.credentials.password.encode()) and same_user


def _permitted(permissions: list[dict[str, Any]], request: AccessRequest) -> bool:
    return any(entry.get("action") == request.action and _covers(str(entry.get("path") or ""), request) for entry in permissions)


def _covers(pattern: str, request: AccessRequest) -> bool:
    if not pattern or request.action in {"api", "metrics", "pprof"}:
        return True
    if pattern.startswith("~"):
        return re.search(pattern[1:], request.path) is not None
    return pattern == request.path


async def delay_refusal(refusal: AccessRefused, where: str) -> None:
    """Logs wrong credentials and makes guessing slow. Returns at once where none were sent."""
    if refusal.ask:
        return
    log.warning("%s: authentication failed: %s", where, refusal)
    await asyncio.sleep(secrets.randbelow(MAX_DELAY_MS) / 1000)
