"""Connections to places that people name: a webhook, a mail server, a sign-in provider.

A name is resolved once, every address that it has is checked, and the connection goes to an address that was checked: a name that leads
elsewhere a moment later leads nowhere. No redirects, no proxies of the environment, no cookies, small answers, an end to every wait.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from gtvision.addresses import AddressPolicy, IpAddress, literal_address
from gtvision.errors import Invalid

T = TypeVar("T")

UNREACHED: Final = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError)
"""What a try may end with, besides AddressRefused: no address, no connection, no trust, no answer in time, or none that is HTTP."""
_RESOLVE_S = 3.0
_MAX_ADDRESSES = 4


class AddressRefused(Invalid):
    """The address leads to a network that is not allowed."""

    code = "address_refused"


@cache
def trust(ca_file: Path | None = None, *, public: bool = True) -> ssl.SSLContext:
    """Returns the authorities to trust: the public ones, those of the file, or both. Reading them takes a while, and is done once."""
    if not public:
        return ssl.create_default_context(cafile=str(ca_file))
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        context.load_verify_locations(cafile=str(ca_file))
    return context


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered. The content is as it came: compressed, where the server did that although it was asked not to."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class OutboundHttp:
    """HTTP to places that a policy allows. `timeout_s` is for one step, `total_s` for the whole; `max_bytes` bounds an answer."""

    def __init__(
        self,
        policy: AddressPolicy,
        context: ssl.SSLContext,
        *,
        agent: str,
        timeout_s: float = 5.0,
        total_s: float = 10.0,
        max_bytes: int = 262_144,
    ) -> None:
        self._policy, self._total_s, self._max_bytes = policy, total_s, max_bytes
        self._client = httpx.AsyncClient(
            verify=context,
            trust_env=False,
            follow_redirects=False,
            timeout=timeout_s,
            # none is kept: two names at one address must not share what one of them proved to be; callers bound how many there are
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": agent},
        )

    async def aclose(self) -> None:
        """Nothing is asked afterwards."""
        await self._client.aclose()

    async def ask(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **given: Any) -> Reply:
        """Returns the answer, whatever its status. Raises: AddressRefused, one of UNREACHED."""
        target = httpx.URL(url)
        host = target.raw_host.decode("ascii")
        port = target.port or (443 if target.scheme == "https" else 80)
        headers = {**(headers or {}), "host": target.netloc.decode("ascii")}

        async def at(place: IpAddress) -> Reply:
            there = target.copy_with(host=str(place))
            # the certificate is still checked against the name: https://www.python-httpx.org/advanced/extensions/#sni_hostname
            request = self._client.stream(method, there, headers=headers, extensions={"sni_hostname": host}, **given)
            async with request as answer:
                content = bytearray()
                async for chunk in answer.aiter_raw():
                    content += chunk
                    if len(content) > self._max_bytes:
                        raise ValueError("the answer is too large")
                return Reply(answer.status_code, answer.headers, bytes(content))

        async with asyncio.timeout(self._total_s):
            return await _first(await allowed_addresses(self._policy, host, port), at, httpx.ConnectError)


async def open_connection(policy: AddressPolicy, host: str, port: int) -> socket.socket:
    """Returns a connected socket, for a protocol other than HTTP; the caller bounds the wait. Raises: AddressRefused, OSError."""

    async def at(place: IpAddress) -> socket.socket:
        family = socket.AF_INET6 if place.version == 6 else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, (str(place), port))
        except BaseException:
            connection.close()
            raise
        return connection

    return await _first(await allowed_addresses(policy, host, port), at, OSError)


async def allowed_addresses(policy: AddressPolicy, host: str, port: int) -> list[IpAddress]:
    """Returns the addresses of a name, or itself where it is one. Raises: AddressRefused where one of them is not allowed, OSError."""
    literal = literal_address(host)
    found = [literal] if literal is not None else await _resolve(host, port)
    if not found:
        raise OSError("the name has no address")
    if not all(policy.accepts(place) for place in found):
        raise AddressRefused
    return found[:_MAX_ADDRESSES]


async def _resolve(host: str, port: int) -> list[IpAddress]:
    async with asyncio.timeout(_RESOLVE_S):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    places = (literal_address(str(sockaddr[0])) for *_, sockaddr in found)
    return list(dict.fromkeys(place for place in places if place is not None))


async def _first(places: list[IpAddress], at: Callable[[IpAddress], Awaitable[T]], absent: type[Exception]) -> T:
    """Returns what the first address gives that can be connected to."""
    for place in places[:-1]:
        try:
            return await at(place)
        except absent:
            continue
    return await at(places[-1])
