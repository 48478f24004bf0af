"""Reaching a provider. Its addresses come from the operator and from the provider's own discovery document, which can be wrong: every
connection goes through the chassis' guard.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chassis.outbound import UNREACHED, AddressRefused, OutboundHttp, trust
from gtvision.addresses import AddressPolicy
from gtvision.errors import Unavailable
from identity.gateways.oidc.configuration import check_url


class ProviderUnavailable(Unavailable):
    """The sign-in provider cannot be reached at the moment."""

    code = "oidc_unavailable"


class ProviderHttp:
    """HTTP to one provider."""

    def __init__(self, *, allow_http: bool = False, ca_file: Path | None = None, timeout_s: float = 5.0) -> None:
        self._allow_http = allow_http
        self._http = OutboundHttp(
            AddressPolicy(allow_loopback=allow_http),
            trust(ca_file, public=ca_file is None),
            agent="gtvision-identity",
            timeout_s=timeout_s,
            total_s=2 * timeout_s,
        )

    async def aclose(self) -> None:
        """Nothing is asked afterwards."""
        await self._http.aclose()

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
            reply = await self._http.ask(method, check_url(url, allow_http=self._allow_http), **given)
            if reply.headers.get("content-encoding", "identity") != "identity":
                raise ValueError("the answer is compressed")
            body = json.loads(reply.content) if reply.status < 500 else {}
            if not isinstance(body, dict):
                raise ValueError("the answer is no JSON object")
        except (*UNREACHED, AddressRefused, RecursionError) as error:
            raise ProviderUnavailable(f"The sign-in provider cannot be asked ({type(error).__name__}).") from error
        return reply.status, body
