"""The product's API as gtv uses it: through the edge, with the tool's own key."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import httpx

from gtv.failures import GtvError
from gtvision.time import Clock, SystemClock

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_EARLY_S = 60.0


class Refused(GtvError):
    """The API answered with a problem."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{detail} ({status} {code})")
        self.status = status
        self.code = code


class Client:
    """A session of the tool. The short-lived token is renewed before it ends."""

    def __init__(self, address: str, key: str, trust: ssl.SSLContext, clock: Clock | None = None) -> None:
        self.address = address
        self._key = key
        self.trust = trust
        self._clock = clock or SystemClock()
        self._http = httpx.AsyncClient(base_url=f"{address}/api/v1", trust_env=False, verify=trust, timeout=15.0)
        self._token = ""
        self._renew_at = float("-inf")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def token(self) -> str:
        """A valid access token. Raises: Refused, httpx.HTTPError."""
        if self._clock.monotonic() > self._renew_at:
            kind = "urn:gtvision:params:oauth:token-type:api-key"
            form = {"grant_type": EXCHANGE, "subject_token": self._key, "subject_token_type": kind}
            answer = _checked(await self._http.post("/auth/token", data=form))
            self._token = str(answer["access_token"])
            self._renew_at = self._clock.monotonic() + float(answer.get("expires_in", 900)) - _EARLY_S
        return self._token

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One request. Raises: Refused, httpx.HTTPError."""
        headers = {"authorization": f"Bearer {await self.token()}"}
        return _checked(await self._http.request(method, path, json=body, params=query or None, headers=headers))

    async def every(self, path: str, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: str | None = None
        while True:
            page = await self.call("GET", path, **query, **({"cursor": cursor} if cursor else {}))
            for item in page["items"]:
                yield item
            cursor = page.get("next")
            if cursor is None:
                return


def _checked(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    raise Refused(answer.status_code, problem.get("code", "error"), problem.get("detail") or answer.reason_phrase)
