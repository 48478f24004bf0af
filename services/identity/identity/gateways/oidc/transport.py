"""Reaching a provider. Its addresses come from the operator and from the provider's own discovery document, and a document can be
wrong: names are resolved once, every address is checked, and the connection goes to the address that was checked.
"""

from __future__ import annotations

import asyncio
import functools
import json
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from gtvision.addresses import AddressPolicy, IpAddress, literal_address
from gtvision.errors import Unavailable
from identity.gateways.oidc.configuration import check_url

_MAX_ANSWER_BYTES = 262_144
_RESOLVE_S = 3.0
_MAX_ADDRESSES = 4


class ProviderUnavailable(Unavailable):
    """The sign-in provider cannot be reached at the moment."""

    code = "oidc_unavailable"


@functools.cache
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """The operator's authority alone, or the public ones. Reading those takes a while, and is done once."""
    return ssl.create_default_context(cafile=str(ca_file)) if ca_file else httpx.create_ssl_context(trust_env=False)


class ProviderHttp:
    """HTTP to one provider: no redirects, no proxies of the environment, no cookies, small answers, an end to every wait."""

    def __init__(self, *, allow_http: bool = False, ca_file: Path | None = None, timeout_s: float = 5.0) -> None:
        self._allow_http, self._timeout_s = allow_http, timeout_s
        self._policy = AddressPolicy(allow_loopback=allow_http)
        self._client = httpx.AsyncClient(
            verify=_trust(ca_file),
            trust_env=False,
            follow_redirects=False,
            timeout=timeout_s,
            # no connection is kept: two names at one address must not share what one of them proved to be
            limits=httpx.Limits(max_connections=10, max_keepalive_connections=0),
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "gtvision-identity"},
        )

    async def aclose(self) -> None:
        """Nothing is asked afterwards."""
        await self._client.aclose()

    async def get(self, url: str) -> dict[str, Any]:
        """The JSON object there. Raises: ProviderUnavailable."""
        status, body = await self._ask("GET", url)
        if status != 200:
            raise ProviderUnavailable(f"The sign-in provider answered {status}.")
        return body

    async def post(self, url: str, form: Mapping[str, str], auth: tuple[str, str] | None) -> tuple[int, dict[str, Any]]:
        """Status and JSON object. Raises: ProviderUnavailable."""
        return await self._ask("POST", url, data=dict(form), auth=auth)

    async def _ask(self, method: str, url: str, **given: Any) -> tuple[int, dict[str, Any]]:
        try:
            async with asyncio.timeout(2 * self._timeout_s):
                target = httpx.URL(check_url(url, allow_http=self._allow_http))
                return await self._first_answer(method, target, await self._addresses(target), given)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError, RecursionError) as error:
            raise ProviderUnavailable(f"The sign-in provider cannot be asked ({type(error).__name__}).") from error

    async def _first_answer(
        self, method: str, target: httpx.URL, addresses: list[IpAddress], given: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        for place in addresses[:-1]:
            try:
                return await self._answer(method, target, place, given)
            except httpx.ConnectError:
                continue
        return await self._answer(method, target, addresses[-1], given)

    async def _answer(self, method: str, target: httpx.URL, place: IpAddress, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        # the certificate is still checked against the name: https://www.python-httpx.org/advanced/extensions/#sni_hostname
        request = self._client.stream(
            method,
            target.copy_with(host=str(place)),
            headers={"host": target.netloc.decode("ascii")},
            extensions={"sni_hostname": target.host},
            **given,
        )
        async with request as answer:
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise ValueError("the answer is compressed")
            content = bytearray()
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > _MAX_ANSWER_BYTES:
                    raise ValueError("the answer is too large")
            body = json.loads(bytes(content)) if answer.status_code < 500 else {}
            if not isinstance(body, dict):
                raise ValueError("the answer is no JSON object")
            return answer.status_code, body

    async def _addresses(self, target: httpx.URL) -> list[IpAddress]:
        literal = literal_address(target.host)
        found = [literal] if literal is not None else await _resolve(target.host, target.port or 443)
        if not found or not all(self._policy.accepts(place) for place in found):
            raise ValueError("the address leads to a network that no provider may be in")
        return found[:_MAX_ADDRESSES]


async def _resolve(host: str, port: int) -> list[IpAddress]:
    async with asyncio.timeout(_RESOLVE_S):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    places = (literal_address(str(sockaddr[0])) for *_, sockaddr in found)
    return list(dict.fromkeys(place for place in places if place is not None))
