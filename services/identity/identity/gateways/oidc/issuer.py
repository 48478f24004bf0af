"""One provider over HTTP: discovery, keys, login address, codes and tokens.

What was learned is kept: while the provider is down, tokens that it signed are still believed until they end. Keys are fetched again
once an hour, and for an unknown key id at most every few seconds, so that made-up ids are no flood on the provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from chassis import logs
from chassis.auth import IssuerKey, issuer_claims, read_issuer_header, read_issuer_keys
from gtvision.errors import Unauthenticated, Unavailable
from gtvision.time import Clock
from identity.federation.domain import LoginRefused, LoginSecrets, Provider, ProviderTokenRefused, TokenKind, check_claims
from identity.gateways.oidc.configuration import ProviderSettings, check_url
from identity.gateways.oidc.transport import ProviderHttp, ProviderUnavailable

log = logs.get_logger("identity.oidc")

_FRESH_S = 3_600.0
_FIRST_S = 2.0
"""While nothing is known of the provider no login works, so it is asked again soon."""
_WELL_KNOWN = "/.well-known/openid-configuration"


class HttpIssuer:
    """One provider. Every method raises Unavailable where the provider cannot be asked and what is known of it does not suffice."""

    def __init__(self, settings: ProviderSettings, clock: Clock, *, refresh_s: float = 10.0, timeout_s: float = 3.0) -> None:
        self._settings, self._clock, self._refresh_s = settings, clock, refresh_s
        self._provider = settings.provider()
        self._http = ProviderHttp(allow_http=settings.allow_http, ca_file=settings.ca_file, timeout_s=timeout_s)
        self._endpoints: dict[str, str] = {}
        self._keys: dict[str, IssuerKey] = {}
        self._learned_at = self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    @property
    def provider(self) -> Provider:
        """How its claims are read."""
        return self._provider

    async def aclose(self) -> None:
        """Nothing is asked afterwards."""
        await self._http.aclose()

    async def login_url(self, state: str, secrets: LoginSecrets, redirect_uri: str) -> str:
        """Where a browser signs in: authorization code with PKCE. Raises: Unavailable."""
        endpoint = await self._endpoint("authorization_endpoint")
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *self._settings.scopes))),
            "state": state,
            "nonce": secrets.nonce,
            "code_challenge": secrets.challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def redeem(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for an authorization code. Raises: LoginRefused, Unavailable."""
        endpoint = await self._endpoint("token_endpoint")
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        secret, auth = self._settings.client_secret, None
        if secret is not None and self._settings.client_auth == "basic":
            # RFC 6749, 2.3.1: both are form-encoded first
            auth = (quote(self._settings.client_id, safe=""), quote(secret.get_secret_value(), safe=""))
        else:
            form["client_id"] = self._settings.client_id
            if secret is not None:
                form["client_secret"] = secret.get_secret_value()
        status, answer = await self._http.post(endpoint, form, auth)
        if status >= 500:
            raise ProviderUnavailable(f"The sign-in provider answered {status}.")
        token = answer.get("id_token")
        if status != 200 or not isinstance(token, str):
            log.warning("code_not_redeemed", provider=self._provider.name, status=status, error=str(answer.get("error", ""))[:100])
            raise LoginRefused
        return token

    async def claims_of(self, token: str, presented: TokenKind, nonce: str | None = None) -> Mapping[str, Any]:
        """What a token says, once everything about it was found right. Raises: ProviderTokenRefused, Unavailable."""
        try:
            algorithm, kid = read_issuer_header(token, self._settings.algorithms)
            claims = issuer_claims(token, await self._key(kid), algorithm)
        except Unauthenticated:
            raise ProviderTokenRefused from None
        check_claims(self._provider, claims, presented, self._clock.now(), nonce)
        return claims

    # --- what is learned from the provider -------------------------------------------------------------------------------

    async def _endpoint(self, name: str) -> str:
        if not self._endpoints or (self._age() > _FRESH_S and not self._asking.locked()):
            await self._learn()
        if name not in self._endpoints:
            raise ProviderUnavailable
        return self._endpoints[name]

    async def _key(self, kid: str | None) -> IssuerKey:
        if self._find(kid) is None or (self._age() > _FRESH_S and not self._asking.locked()):
            await self._learn()
        if not self._keys:
            raise ProviderUnavailable
        found = self._find(kid)
        if found is None:
            raise ProviderTokenRefused("The token is signed with an unknown key.")
        return found

    def _find(self, kid: str | None) -> IssuerKey | None:
        """Without an id only a single key can be meant."""
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _age(self) -> float:
        return self._clock.monotonic() - self._learned_at

    async def _learn(self) -> None:
        """Ask again, unless that was just done. Raises nothing: what was known stays known."""
        async with self._asking:
            now = self._clock.monotonic()
            if now - self._asked_at < (self._refresh_s if self._keys else min(self._refresh_s, _FIRST_S)):
                return
            self._asked_at = now
            try:
                endpoints = self._read(await self._http.get(self._provider.issuer.rstrip("/") + _WELL_KNOWN))
                keys = read_issuer_keys(await self._http.get(endpoints["jwks_uri"]))
            except Unavailable as error:
                log.warning("provider_not_readable", provider=self._provider.name, cause=error.message)
                return
            if keys:
                self._endpoints, self._keys, self._learned_at = endpoints, keys, now
            else:
                log.warning("provider_without_usable_key", provider=self._provider.name)

    def _read(self, document: Mapping[str, Any]) -> dict[str, str]:
        """Raises: ProviderUnavailable."""
        if document.get("issuer") != self._provider.issuer:
            raise ProviderUnavailable("The discovery document speaks for another issuer.")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        try:
            return {name: check_url(document.get(name), allow_http=self._settings.allow_http) for name in names}
        except ValueError as error:
            raise ProviderUnavailable(f"The discovery document has an address that {error}.") from None


class HttpIssuers:
    """Every provider of the installation, in the operator's order; a lifespan part."""

    def __init__(self, settings: Sequence[ProviderSettings], clock: Clock, refresh_s: float) -> None:
        self.by_name = {each.name: HttpIssuer(each, clock, refresh_s=refresh_s) for each in settings}

    async def __aenter__(self) -> HttpIssuers:
        return self

    async def __aexit__(self, *_: object) -> None:
        for issuer in self.by_name.values():
            await issuer.aclose()
