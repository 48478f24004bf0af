"""Coming in through an outside provider: from the console's button and back, or with a token that the provider gave."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from chassis.db import UnitOfWork
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Conflict, Forbidden, GTVisionError, NotFound, Unauthenticated
from identity import metrics
from identity.federation.domain.claims import claimed_issuer, read_person
from identity.federation.domain.federation import (
    LoginRefused,
    LoginSecrets,
    LoginState,
    LoginStateUnknown,
    OutsideTokenRefused,
    Presented,
    Provider,
    local_path,
)
from identity.federation.ports import LoginStates, OutsideIssuer
from identity.federation.usecases.external_accounts import ExternalAccounts
from identity.people.domain.users import User
from identity.people.ports import Throttle
from identity.sessions.domain import SECRET_BYTES, caller, hash_secret
from identity.sessions.ports import Chance
from identity.sessions.usecases.opening import Guest, Opened, Opening


@dataclass(frozen=True, slots=True)
class Outside:
    """What stands between this installation and the providers."""

    issuers: Mapping[str, OutsideIssuer]
    """By name."""
    states: LoginStates
    throttle: Throttle
    chance: Chance
    public_url: str
    """Where browsers see the console."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes now, and the cookie it must bring back."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What the provider sent the browser back with."""

    state: str
    code: str | None = None
    error: str | None = None
    issuer: str | None = None
    """RFC 9207."""


class Federation:
    """Sign-ins that somebody else vouches for."""

    def __init__(self, outside: Outside, accounts: ExternalAccounts, opening: Opening) -> None:
        self._outside, self._accounts, self._opening = outside, accounts, opening

    def providers(self) -> list[Provider]:
        """In the operator's order."""
        return [issuer.provider for issuer in self._outside.issuers.values()]

    async def begin_login(self, name: str, return_to: str | None, cookie: str | None, guest: Guest) -> Begun:
        """A browser that has a cookie of ours keeps it, for ten minutes: two tabs may sign in at once.

        Raises: NotFound, RateLimited, Unavailable.
        """
        issuer = self._issuer(name)
        state = _text(self._outside.chance(SECRET_BYTES))
        kept = cookie if cookie and _is_cookie(cookie) else _text(self._outside.chance(SECRET_BYTES))
        secrets = LoginSecrets.of(kept, state)
        url = await issuer.login_url(state, secrets, self._redirect_uri(name))
        await self._outside.states.keep(state, LoginState(name, secrets.browser, local_path(return_to)), guest.address)
        return Begun(url, kept)

    async def finish_login(self, name: str, returned: Returned, cookie: str | None, guest: Guest) -> tuple[Opened, str]:
        """The session, and where to go in the console. Each state is good once, in the browser that began it.

        Raises: NotFound, LoginStateUnknown, LoginRefused, OutsideTokenRefused, and as `ExternalAccounts.sign_in`.
        """
        issuer = self._issuer(name)
        login = await self._outside.states.take(returned.state)
        secrets = LoginSecrets.of(cookie or "", returned.state)
        if login is None or login.provider != name or not cookie or not hmac.compare_digest(login.browser, secrets.browser):
            raise LoginStateUnknown
        if returned.error is not None or returned.code is None or returned.issuer not in {None, issuer.provider.issuer}:
            raise LoginRefused
        token = await issuer.redeem(returned.code, secrets.verifier, self._redirect_uri(name))
        opened = await self._sign_in(issuer, token, Presented.LOGIN, guest, secrets.nonce)
        return opened, login.return_to

    async def exchange(self, token: str, presented: Presented, address: str) -> Opened:
        """Trade a provider's token for our short one (RFC 8693). Only refusals count: a program may use a good one many times at once.

        Raises: OutsideTokenRefused, RateLimited, and as `sign_in`.
        """
        wanted = claimed_issuer(token)
        issuer = next((each for each in self._outside.issuers.values() if each.provider.issuer == wanted), None)
        try:
            if issuer is None:
                raise OutsideTokenRefused("The token is of no issuer that is known here.")
            return await self._sign_in(issuer, token, presented, Guest(address))
        except (Unauthenticated, Forbidden, Conflict):
            await self._outside.throttle.attempt(f"outside {hash_secret(token)}", address)
            raise

    async def _sign_in(self, issuer: OutsideIssuer, token: str, presented: Presented, guest: Guest, nonce: str | None = None) -> Opened:
        provider = issuer.provider
        how = f"oidc:{provider.name}"

        async def enter(work: UnitOfWork, user: User) -> Opened:
            if presented is Presented.LOGIN:
                return await self._opening.open(work, user, guest, how, lifetime=provider.session_lifetime)
            opened = await self._opening.open_short(work, user, guest.address)
            details = {"how": how, "client": "exchange"}
            record(work, Action.SESSION_OPENED, caller(user, opened.session.id), AuditEntry("session", opened.session.id, details=details))
            return opened

        try:
            person = read_person(provider, await issuer.claims_of(token, presented, nonce))
            opened = await self._accounts.sign_in(provider, person, enter)
        except GTVisionError as refusal:
            metrics.FEDERATED_SIGN_INS.labels(provider.name, refusal.code).inc()
            raise
        metrics.FEDERATED_SIGN_INS.labels(provider.name, "opened").inc()
        return opened

    def _issuer(self, name: str) -> OutsideIssuer:
        if name not in self._outside.issuers:
            raise NotFound
        return self._outside.issuers[name]

    def _redirect_uri(self, name: str) -> str:
        return f"{self._outside.public_url.rstrip('/')}/api/v1/auth/oidc/{name}/callback"


def _text(chance: bytes) -> str:
    return base64.urlsafe_b64encode(chance).rstrip(b"=").decode()


def _is_cookie(text: str) -> bool:
    return len(text) == len(_text(bytes(SECRET_BYTES))) and text.replace("-", "").replace("_", "").isalnum() and text.isascii()
