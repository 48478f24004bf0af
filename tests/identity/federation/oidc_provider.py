"""A small OpenID provider that really speaks HTTP on loopback: discovery, keys, authorize with PKCE, token. It is strict where the
standards are, and its `sign` makes every token that a thief could think of.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import hashlib
import hmac
import itertools
import json
import secrets
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gtvision.time import Clock, SystemClock
from servers import free_port

CONSOLE = "gtvision-console"
API = "gtvision-api"


@dataclass
class Client:
    """A registered client; without a secret a public one."""

    redirect_uris: tuple[str, ...]
    secret: str | None = None


@dataclass
class Grant:
    """An authorization code that was given out."""

    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str | None
    claims: dict[str, Any]


@dataclass
class OidcProvider:
    """One issuer on one port, which stays the same while it is down."""

    clock: Clock = field(default_factory=SystemClock)
    clients: dict[str, Client] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=dict)
    """Claims of the next user who signs in."""
    asked: Counter[str] = field(default_factory=Counter)
    """Requests by path."""
    discovery: dict[str, Any] = field(default_factory=dict)
    """Fields that replace those of the discovery document."""
    answers: dict[str, Response] = field(default_factory=dict)
    """Path -> the answer in place of the usual one."""
    forged: dict[str, Any] = field(default_factory=dict)
    """Claims that replace those of ID tokens; None leaves a claim out."""

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", free_port()))
        self.port: int = self._socket.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.keys: list[RSAKey | ECKey] = []
        self.grants: dict[str, Grant] = {}
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.rotate()

    def reset(self, clock: Clock) -> None:
        """Resets the provider, on the same port and with new keys."""
        self.clock, self.person, self.clients, self.discovery, self.answers, self.forged = clock, {}, {}, {}, {}, {}
        self.asked.clear()
        self.grants.clear()
        self.keys = []
        self.rotate()

    # --- running -------------------------------------------------------------------------------------------------------

    async def up(self) -> None:
        """Starts to answer on the port."""
        app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )
        if self._socket.fileno() == -1:
            self._socket = socket.create_server(("127.0.0.1", self.port))
        self._server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, ws="none"))
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def down(self) -> None:
        """Stops answering, so that connections are refused."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
            self._server = self._task = None
        self._socket.close()

    # --- keys and tokens -----------------------------------------------------------------------------------------------

    def rotate(self, *, keep: int = 1) -> RSAKey:
        """Signs with a new key from now on; `keep` of the old ones stay published."""
        key = RSAKey.import_key(_pair(next(_pairs) % _PAIRS), {"kid": secrets.token_hex(8), "use": "sig", "alg": "RS256"})
        self.keys = [key, *self.keys[:keep]]
        return key

    def claims(self, **over: Any) -> dict[str, Any]:
        """Returns the claims of a valid access token for our API, changed by the given ones; None leaves a claim out."""
        now = int(self.clock.now().timestamp())
        good = {"iss": self.issuer, "aud": [API], "azp": CONSOLE, "typ": "Bearer", "iat": now, "nbf": now, "exp": now + 300}
        return {name: value for name, value in (good | self.person | over).items() if value is not None}

    def id_claims(self, client_id: str, nonce: str | None = None, **over: Any) -> dict[str, Any]:
        """Returns the claims of a valid ID token."""
        return self.claims(**{"aud": client_id, "azp": client_id, "typ": "ID", "nonce": nonce} | over)

    def sign(self, claims: Mapping[str, Any], key: Any = None, **header: Any) -> str:
        """Returns a signed token, by the newest key where none is given. A header field of None is left out."""
        key = key or self.keys[0]
        fields = {"alg": "RS256", "typ": "JWT", "kid": key.kid} | header
        algorithm = str(fields["alg"])
        return jwt.encode({n: v for n, v in fields.items() if v is not None}, dict(claims), key, algorithms=[algorithm], default_type=None)

    def token(self, **over: Any) -> str:
        """Returns a valid access token, with its claims changed by the given ones."""
        return self.sign(self.claims(**over))

    def hs256(self, secret: bytes) -> str:
        """Returns a token that a verifier accepts if it takes the public key for a shared secret. The library refuses to make it."""
        parts = ({"alg": "HS256", "typ": "JWT", "kid": self.keys[0].kid}, self.claims())
        text = ".".join(_b64(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_b64(hmac.digest(secret, text.encode(), 'sha256'))}"

    @property
    def public_pem(self) -> bytes:
        """Returns the newest public key in PEM."""
        return self.keys[0].as_pem(private=False)

    # --- routes ----------------------------------------------------------------------------------------------------------

    def _override(self, request: Request) -> Response | None:
        self.asked[request.url.path] += 1
        return self.answers.get(request.url.path)

    async def _discovery(self, request: Request) -> Response:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        }
        return self._override(request) or JSONResponse(document | self.discovery)

    async def _jwks(self, request: Request) -> Response:
        return self._override(request) or JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def _authorize(self, request: Request) -> Response:
        self.asked["/authorize"] += 1
        asked = request.query_params
        client = self.clients.get(asked.get("client_id", ""))
        if client is None or asked.get("redirect_uri") not in client.redirect_uris:
            return Response("unknown client or redirect URI", 400)
        problem = None
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            problem = "invalid_request"
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
            problem = "invalid_request"
        answer = {"state": asked["state"], "iss": self.issuer}
        if problem or not self.person:
            return self._back(asked["redirect_uri"], answer | {"error": problem or "access_denied"})
        code = secrets.token_urlsafe(24)
        self.grants[code] = Grant(asked["client_id"], asked["redirect_uri"], asked["code_challenge"], asked.get("nonce"), dict(self.person))
        return self._back(asked["redirect_uri"], answer | {"code": code})

    def _back(self, redirect_uri: str, answer: Mapping[str, str]) -> Response:
        return RedirectResponse(f"{redirect_uri}?{urlencode(answer)}", 302)

    async def _token(self, request: Request) -> Response:
        override = self._override(request)
        if override is not None:
            return override
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        client_id = self._authenticated(request, form)
        if client_id is None:
            return JSONResponse({"error": "invalid_client"}, 401)
        grant = self.grants.pop(form.get("code", ""), None)  # a code is valid once
        challenge = _b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            form.get("grant_type") != "authorization_code"
            or grant is None
            or (grant.client_id, grant.redirect_uri, grant.challenge) != (client_id, form.get("redirect_uri"), challenge)
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = self.id_claims(client_id, **({"nonce": grant.nonce} | grant.claims | self.forged))
        return JSONResponse(
            {"access_token": self.token(**grant.claims), "id_token": self.sign(claims), "token_type": "Bearer", "expires_in": 300}
        )

    def _authenticated(self, request: Request, form: Mapping[str, str]) -> str | None:
        header = request.headers.get("authorization", "")
        if header.startswith("Basic "):
            name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
            client_id, given = unquote(name), unquote(secret)
        else:
            client_id, given = form.get("client_id", ""), form.get("client_secret") or None
        client = self.clients.get(client_id)
        return client_id if client is not None and client.secret == given else None


_PAIRS = 6
_pairs = itertools.count()


@functools.cache
def _pair(_number: int) -> bytes:
    """Returns one of a few key pairs, which take long to make; each gets another id every time."""
    return RSAKey.generate_key(2048).as_pem(private=True)


def strangers_key(kid: str) -> RSAKey:
    """Returns a key that no provider has, with the given id."""
    return RSAKey.import_key(_pair(-1), {"kid": kid})


@asynccontextmanager
async def running_provider(**given: Any) -> AsyncIterator[OidcProvider]:
    """Runs a provider inside the block."""
    provider = OidcProvider(**given)
    await provider.up()
    try:
        yield provider
    finally:
        await provider.down()


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def query_of(url: str) -> dict[str, str]:
    """Returns the fields of the query."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
