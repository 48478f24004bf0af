"""A partner's program, with the stack's address, its authority's certificate and an API key; and the operator's ways into the stack."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from tests.e2e.stack import ANSWER_S, Person, Stack

from servers.postgres import DATABASE, SUPERUSER

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
HALF_A_LIFE_S = 450
"""A token is renewed after half of its 15 minutes."""
SCOPES = ("cameras:read", "detections:read", "plates:search", "alerts:read", "live:view")


@dataclass
class Partner:
    """Exchanges its API key for a short-lived token, with which it sends its requests."""

    address: str
    authority: Path
    key: str = field(repr=False)
    key_id: str
    token: str = field(default="", repr=False)
    source: str = "127.0.0.1"
    http: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.client(self.source)
        self._exchanged_at = 0.0

    @classmethod
    async def admitted(cls, stack: Stack, person: Person, scopes: Sequence[str] = SCOPES) -> Partner:
        """Returns a partner with a key that the administrator has made for it."""
        made = await person.post("/api-keys", {"name": "Integrador", "scopes": list(scopes)})
        return cls(stack.address, stack.authority, made["key"], made["id"])

    def client(self, source: str = "127.0.0.1") -> httpx.AsyncClient:
        """Returns a client that sends from one of this machine's addresses: the edge limits the rate of each by itself."""
        trust = ssl.create_default_context(cafile=str(self.authority))
        transport = httpx.AsyncHTTPTransport(verify=trust, local_address=source)
        return httpx.AsyncClient(base_url=self.address, transport=transport, trust_env=False, timeout=ANSWER_S)

    async def exchange(self) -> httpx.Response:
        """Exchanges the key for a token by RFC 8693, and returns the answer."""
        answer = await self.http.post("/api/v1/auth/token", data={"grant_type": EXCHANGE, "subject_token": self.key})
        if answer.is_success:
            self.token, self._exchanged_at = answer.json()["access_token"], time.monotonic()
        return answer

    async def renew(self) -> None:
        """Gets a new token where the present one may end during the next test."""
        if not self.token or time.monotonic() - self._exchanged_at > HALF_A_LIFE_S:
            assert (await self.exchange()).status_code == 200

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **request: Any) -> httpx.Response:
        """Sends a request with the token."""
        return await self.http.request(method, f"/api/v1{path}", headers={**self.headers, **(headers or {})}, **request)

    async def get(self, path: str, **query: Any) -> Any:
        return (await self.ask("GET", path, params=query)).raise_for_status().json()

    async def ticket(self, purpose: str, camera_id: str | None = None) -> str:
        """Returns a ticket for one session, which has to be used within a minute."""
        body = {"purpose": purpose} | ({"camera_id": camera_id} if camera_id else {})
        return (await self.ask("POST", "/auth/tickets", json=body)).raise_for_status().json()["ticket"]

    async def curl(self, *arguments: str) -> tuple[int, str, bytes]:
        """Runs curl; returns status, HTTP version and body."""
        command = ["curl", "--silent", "--show-error", "--cacert", str(self.authority), "--write-out", "\n%{http_code} %{http_version}"]
        done = await asyncio.to_thread(subprocess.run, [*command, *arguments], capture_output=True, check=True, timeout=300)
        body, _, told = done.stdout.rpartition(b"\n")
        status, version = told.decode().split()
        return int(status), version, body


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Returns status and code of a refusal, and checks that it is a problem+json."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"] == f"urn:gtvision:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]
    assert body["correlation_id"]
    return answer.status_code, body["code"]


Question = Callable[[], Awaitable[Any]]


def answers(partner: Partner, path: str, status: int) -> Question:
    """Returns a condition: a GET of the path is answered with that status."""

    async def does() -> bool:
        return (await partner.ask("GET", path)).status_code == status

    return does


def exchanges(partner: Partner) -> Question:
    """Returns a condition: the key is exchanged. It waits between tries, as refused exchanges count towards the limit of an address too."""

    async def does() -> bool:
        if (await partner.exchange()).is_success:
            return True
        await asyncio.sleep(3)
        return False

    return does


@contextlib.asynccontextmanager
async def database(stack: Stack) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Yields a connection as PostgreSQL's superuser, which an attacker with access to the machine could open."""
    connection = await asyncpg.connect(
        host="127.0.0.1",
        port=(await stack.ports())["postgres"],
        user=SUPERUSER,
        password=secrets(stack)["roles"][SUPERUSER],
        database=DATABASE,
    )
    try:
        yield connection
    finally:
        await connection.close()


def secrets(stack: Stack) -> dict[str, Any]:
    """Returns the stack's secrets from the file that gtv keeps."""
    return json.loads((stack.folder / "secrets.json").read_text())
