"""MediaMTX's control API, versions 1.18 to 1.21."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import httpx

from gtvision.errors import Invalid, Unavailable
from streaming.live.domain import View
from streaming.streams.domain import Change, ChangeKind, PathConfig, PathStatus

_PAGE = 100
_NEW_NAMES_SINCE = (1, 21)
"""From 1.21 sessions live at `/hls/sessions`, before at `/hlssessions`; the old names remain as aliases for now."""

_VIEWERS = ("hls", "webrtc")


class MediaMtx:
    """One media server. Changes are sent one at a time: bulk and parallel changes time out (MediaMTX issue 3541)."""

    def __init__(self, api_url: str, user: str, password: str, *, timeout_s: float = 5.0) -> None:
        self._http = httpx.AsyncClient(
            base_url=api_url.rstrip("/") + "/v3", auth=httpx.BasicAuth(user, password), timeout=timeout_s, trust_env=False
        )
        self._timeout_s = timeout_s
        self._version: tuple[int, ...] | None = None

    async def close(self) -> None:
        """Drop the connections."""
        await self._http.aclose()

    async def paths(self) -> list[PathConfig]:
        return [
            PathConfig(item["name"], item.get("source", ""), bool(item.get("record")), item.get("sourceFingerprint", ""))
            for item in await self._pages("/config/paths/list")
        ]

    async def apply(self, change: Change) -> None:
        name = change.path.name
        if change.kind is ChangeKind.DELETE:
            await self._call("DELETE", f"/config/paths/delete/{name}", missing_ok=True)
            return
        options = {"source": change.path.source, "record": change.path.record, "sourceOnDemand": False, "rtspTransport": "tcp"}
        options["sourceFingerprint"] = change.path.fingerprint
        # `replace` is an upsert, so a change whose answer was lost may be repeated. Never PATCH: in 1.20.1 a refused one poisons
        # the server, which then refuses every change of any path until that path is mended.
        await self._call("POST", f"/config/paths/replace/{name}", json=options)

    async def statuses(self) -> dict[str, PathStatus]:
        return {
            item["name"]: PathStatus(
                name=item["name"],
                available=bool(item.get("available", item.get("ready"))),
                inbound_bytes=int(item.get("inboundBytes", item.get("bytesReceived", 0))),
                codecs=tuple(item.get("tracks") or ()),
                connected_at=_instant(item.get("availableTime") or item.get("readyTime")),
            )
            for item in await self._pages("/paths/list")
        }

    async def views(self) -> list[View]:
        """Every HLS and WebRTC session. Raises: Unavailable."""
        return [_view(protocol, item) for protocol in _VIEWERS for item in await self._pages(f"{await self._sessions(protocol)}/list")]

    async def end(self, view: View) -> None:
        """Ends a session; one that is gone is fine. Raises: Unavailable."""
        await self._call("POST", f"{await self._sessions(view.protocol)}/kick/{view.session}", missing_ok=True)

    async def _sessions(self, protocol: str) -> str:
        if self._version is None:
            text = str((await self._call("GET", "/info")).get("version", "")).lstrip("v")
            self._version = tuple(int(part) for part in text.split("-")[0].split(".")[:2] if part.isdigit())
        return f"/{protocol}/sessions" if self._version >= _NEW_NAMES_SINCE else f"/{protocol}sessions"

    async def _pages(self, url: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        page = 0
        while True:
            answer = await self._call("GET", url, params={"page": page, "itemsPerPage": _PAGE})
            items += answer["items"]
            page += 1
            if page >= answer["pageCount"]:
                return items

    async def _call(
        self, method: str, url: str, *, json: Any = None, params: dict[str, int] | None = None, missing_ok: bool = False
    ) -> dict[str, Any]:
        try:
            # httpx's timeout is per read; a server that trickles must not hold the reconciler.
            async with asyncio.timeout(self._timeout_s * 2):
                answer = await self._http.request(method, url, json=json, params=params)
        except (httpx.TransportError, TimeoutError) as error:
            raise Unavailable(f"The media server does not answer ({type(error).__name__}).") from None
        if answer.status_code == httpx.codes.NOT_FOUND and missing_ok:
            return {}
        if answer.is_server_error or answer.status_code == httpx.codes.UNAUTHORIZED:
            raise Unavailable(f"The media server answers {answer.status_code}.")
        if answer.is_error:
            # The text may quote the source with its credentials: only its kind goes on.
            raise Invalid(f"The media server refused the change ({answer.status_code}).")
        body: dict[str, Any] = answer.json() if answer.content else {}
        return body


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _view(protocol: str, item: dict[str, Any]) -> View:
    ticket = parse_qs(item.get("query", "")).get("ticket", [""])[0]
    return View(protocol, UUID(item["id"]), item.get("path", ""), ticket)
