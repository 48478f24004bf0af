"""Signing in through an outside provider, by the console's redirect or with a token of the provider, and the account that belongs to it."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action, Outcome
from gtvision.errors import Conflict, Forbidden, GTVisionError, NotFound, QuotaReached, Unauthenticated
from gtvision.events import UserDisabled
from gtvision.ids import new_id
from gtvision.time import Clock
from identity import metrics
from identity.cities.domain import Tenant
from identity.federation.domain import (
    EmailInUse,
    ExternalIdentity,
    ExternalPerson,
    LoginRefused,
    LoginSecrets,
    LoginState,
    LoginStateUnknown,
    NoAccount,
    NoEmail,
    NoTenant,
    Provider,
    ProviderTokenRefused,
    TokenKind,
    b64url,
    claimed_issuer,
    local_path,
    may_link,
    read_person,
)
from identity.keys.domain import SECRET_BYTES, EndReason, RandomBytes, hash_secret
from identity.people.domain.users import NO_PASSWORD, AccountDisabled, EmailTaken, InvalidEmail, User, email_key
from identity.sessions.domain import ClientInfo, IssuedTokens, caller_of

if TYPE_CHECKING:
    from identity.gateways.login_states import RedisLoginStates
    from identity.gateways.oidc import HttpIssuer
    from identity.gateways.redis import RedisThrottle
    from identity.repository import PostgresRows, RowsOf
    from identity.sessions.usecases.issuing import SessionIssuer, SessionRevoker
    from identity.sessions.usecases.logins import Logins


OpenSession = Callable[[UnitOfWork, User], Awaitable[IssuedTokens]]
"""Opens a session for a user whose row is locked, in the same transaction."""


class ExternalAccounts:
    """Accounts without a password: a person's role, groups and tenant follow the provider's claims at each sign-in."""

    def __init__(self, uow: UowFactory, rows: RowsOf, revoker: SessionRevoker, clock: Clock) -> None:
        self._uow, self._rows, self._revoker, self._clock = uow, rows, revoker, clock

    async def sign_in(self, provider: Provider, person: ExternalPerson, open_session: OpenSession) -> IssuedTokens:
        """Open a session for the account of this person. A refusal is on record in the tenant.

        Raises: NoTenant, CitySuspended, NoAccount, NoEmail, EmailInUse, QuotaReached, AccountDisabled, Unavailable.
        """
        tenant = await self._tenant(person.tenant)
        tenant_id = tenant.id
        try:
            tenant.check_open()
            return await self._enter(tenant_id, provider, person, open_session)
        except (Forbidden, Conflict) as refusal:
            await self._write_down(tenant_id, provider, refusal.code)
            raise

    async def _tenant(self, named: str) -> Tenant:
        try:
            wanted = UUID(named)
        except ValueError:
            async with self._uow(None) as uow:
                found = await self._rows(uow).find_tenant(named)
        else:
            async with self._uow(wanted) as uow:
                found = await self._rows(uow).tenant(wanted)
        if found is None:
            raise NoTenant
        return found

    async def _enter(self, tenant_id: UUID, provider: Provider, person: ExternalPerson, open_session: OpenSession) -> IssuedTokens:
        try:
            return await self._once(tenant_id, provider, person, open_session)
        except (EmailTaken, EmailInUse, QuotaReached):
            # perhaps by another first sign-in of the same person, a moment ago: then they are known now
            try:
                return await self._once(tenant_id, provider, person, open_session)
            except EmailTaken:
                raise EmailInUse from None

    async def _once(self, tenant_id: UUID, provider: Provider, person: ExternalPerson, open_session: OpenSession) -> IssuedTokens:
        async with self._uow(None) as uow:
            known = await self._rows(uow).find_external(person.issuer, person.subject)
        if known is not None and known.tenant_id != tenant_id:
            await self._may_come(tenant_id, provider, person)  # they leave one tenant only once the other can take them
            await self._leave(known, provider)
            known = None
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            user = await (self._own(rows, known) if known else self._first(uow, tenant_id, provider, person))
            if user.is_disabled:
                raise AccountDisabled
            await rows.open_tenant(tenant_id)
            return await open_session(uow, await self._refreshed(uow, provider, person, user))

    async def _may_come(self, tenant_id: UUID, provider: Provider, person: ExternalPerson) -> None:
        """Raises: NoAccount, NoEmail, QuotaReached."""
        email = _account_email(provider, person)
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            holder = await rows.find_login(email_key(email))
            if holder is None or holder.tenant_id != tenant_id:  # else that account is linked, and takes no place
                (await rows.lock_tenant(tenant_id)).check_room(await rows.count_enabled())

    async def _own(self, rows: PostgresRows, known: ExternalIdentity) -> User:
        user = await rows.user(known.account_id, lock=True)  # a request that disables them now waits, and then finds this session
        if user is None:
            raise NoAccount
        return user

    async def _first(self, uow: UnitOfWork, tenant_id: UUID, provider: Provider, person: ExternalPerson) -> User:
        """Returns the local account that belongs to the person, or a new one."""
        rows, now = self._rows(uow), self._clock.now()
        holder = await rows.find_login(_key(person.email)) if _key(person.email) else None
        if holder is None:
            email = _account_email(provider, person)
            user = User(new_id(), tenant_id, email, person.role, NO_PASSWORD, now, person.camera_groups)
            (await rows.lock_tenant(tenant_id)).check_room(await rows.count_enabled())
            await rows.add_user(user)
            action = Action.USER_CREATED
        else:
            if not may_link(provider, person, tenant_id, holder):
                raise EmailInUse
            locked = await rows.user(holder.id, lock=True)
            if locked is None or not may_link(provider, person, tenant_id, locked):
                raise EmailInUse
            user, action = locked, Action.USER_CHANGED
        if not await rows.claim_external(ExternalIdentity(tenant_id, user.id, person.issuer, person.subject, provider.name, now)):
            raise EmailTaken
        details = {"provider": provider.name, "role": user.role, "linked": holder is not None}
        record(uow, action, None, AuditEntry("user", user.id, details=details))
        return user

    async def _refreshed(self, uow: UnitOfWork, provider: Provider, person: ExternalPerson, user: User) -> User:
        groups = user.camera_groups if provider.groups_claim is None else person.camera_groups
        fresh = replace(user, role=person.role, camera_groups=groups)
        if fresh != user:
            await self._rows(uow).save_user(fresh)
            await self._revoker.end_all(uow, user, EndReason.RIGHTS)  # as with every change of rights
            details = {"provider": provider.name, "role": f"{user.role} -> {fresh.role}", "groups": user.camera_groups != groups}
            record(uow, Action.USER_CHANGED, None, AuditEntry("user", user.id, details=details))
        return fresh

    async def _leave(self, known: ExternalIdentity, provider: Provider) -> None:
        """Disable the account in the tenant that the provider no longer names, and end its sessions."""
        async with self._uow(known.tenant_id) as uow:
            rows = self._rows(uow)
            user = await rows.user(known.account_id, lock=True)
            if user is None or await rows.find_external(known.issuer, known.subject) != known:
                return  # another sign-in of the same person was here a moment ago
            if user.is_disabled:
                raise AccountDisabled
            await rows.leave_external(known)
            await rows.save_user(replace(user, disabled_at=self._clock.now()))
            await self._revoker.end_all(uow, user, EndReason.DISABLED)
            uow.emit(UserDisabled(user_id=user.id))
            record(uow, Action.USER_CHANGED, None, AuditEntry("user", user.id, details={"provider": provider.name, "left": True}))

    async def _write_down(self, tenant_id: UUID, provider: Provider, reason: str) -> None:
        """In a transaction of its own: the one that was refused is rolled back."""
        entry = AuditEntry("session", details={"provider": provider.name, "reason": reason}, outcome=Outcome.REFUSED)
        async with self._uow(tenant_id) as uow:
            record(uow, Action.SESSION_REFUSED, None, entry)


def _account_email(provider: Provider, person: ExternalPerson) -> str:
    """The address of a new account. Raises: NoAccount, NoEmail."""
    if not provider.create_users:
        raise NoAccount
    if not person.email or not _key(person.email):
        raise NoEmail
    return person.email.strip()


def _key(email: str | None) -> str:
    try:
        return email_key(email or "")
    except InvalidEmail:
        return ""


@dataclass(frozen=True, slots=True)
class ProviderTools:
    """What the sign-in through providers works with."""

    issuers: Mapping[str, HttpIssuer]
    """By name."""
    states: RedisLoginStates
    throttle: RedisThrottle
    random_bytes: RandomBytes
    public_url: str
    """Where browsers see the console."""


@dataclass(frozen=True, slots=True)
class LoginRedirect:
    """Where the browser is sent, and the cookie that it must send back."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class LoginCallback:
    """What the provider's redirect back holds."""

    state: str
    code: str | None = None
    error: str | None = None
    issuer: str | None = None
    """RFC 9207."""


class Federation:
    """Sign-ins that an outside provider vouches for, and the exchange of any outside credential for a short token."""

    def __init__(self, tools: ProviderTools, accounts: ExternalAccounts, sessions: SessionIssuer, logins: Logins) -> None:
        self._tools, self._accounts, self._sessions, self._logins = tools, accounts, sessions, logins

    def providers(self) -> list[Provider]:
        """In the operator's order."""
        return [issuer.provider for issuer in self._tools.issuers.values()]

    async def begin_login(self, name: str, return_to: str | None, cookie: str | None, client: ClientInfo) -> LoginRedirect:
        """A browser that has a cookie of ours keeps it for ten minutes, so that two tabs may sign in at once.

        Raises: NotFound, RateLimited, Unavailable.
        """
        issuer = self._issuer(name)
        state = b64url(self._tools.random_bytes(SECRET_BYTES))
        kept = cookie if cookie and _is_cookie(cookie) else b64url(self._tools.random_bytes(SECRET_BYTES))
        secrets = LoginSecrets.of(kept, state)
        url = await issuer.login_url(state, secrets, self._redirect_uri(name))
        await self._tools.states.keep(state, LoginState(name, secrets.browser, local_path(return_to)), client.address)
        return LoginRedirect(url, kept)

    async def finish_login(self, name: str, callback: LoginCallback, cookie: str | None, client: ClientInfo) -> tuple[IssuedTokens, str]:
        """Returns the session, and where to go in the console. Each state is good once, in the browser that began it.

        Raises: NotFound, LoginStateUnknown, LoginRefused, ProviderTokenRefused, and as `ExternalAccounts.sign_in`.
        """
        issuer = self._issuer(name)
        login = await self._tools.states.take(callback.state)
        secrets = LoginSecrets.of(cookie or "", callback.state)
        if login is None or login.provider != name or not cookie or not hmac.compare_digest(login.browser, secrets.browser):
            raise LoginStateUnknown
        if callback.error is not None or callback.code is None or callback.issuer not in {None, issuer.provider.issuer}:
            raise LoginRefused
        token = await issuer.redeem(callback.code, secrets.verifier, self._redirect_uri(name))
        issued = await self._sign_in(issuer, token, TokenKind.LOGIN, client, secrets.nonce)
        return issued, login.return_to

    async def exchange(self, token: str, presented: TokenKind, address: str) -> IssuedTokens:
        """Trade an API key, or the token of a provider, for a short token (RFC 8693). Only refusals count as attempts: a program may use
        one credential many times at once.

        Raises: BadCredentials, ProviderTokenRefused, RateLimited, and as `ExternalAccounts.sign_in`.
        """
        wanted = claimed_issuer(token)
        if wanted is None:
            return await self._logins.exchange_api_key(token, address)
        issuer = next((each for each in self._tools.issuers.values() if each.provider.issuer == wanted), None)
        try:
            if issuer is None:
                raise ProviderTokenRefused("The token is of no issuer that is known here.")
            return await self._sign_in(issuer, token, presented, ClientInfo(address))
        except (Unauthenticated, Forbidden, Conflict):
            await self._tools.throttle.attempt(f"outside {hash_secret(token)}", address)
            raise

    async def _sign_in(
        self, issuer: HttpIssuer, token: str, presented: TokenKind, client: ClientInfo, nonce: str | None = None
    ) -> IssuedTokens:
        provider = issuer.provider
        how = f"oidc:{provider.name}"

        async def open_session(uow: UnitOfWork, user: User) -> IssuedTokens:
            if presented is TokenKind.LOGIN:
                return await self._sessions.open(uow, user, client, how, lifetime=provider.session_lifetime)
            issued = await self._sessions.issue_short(uow, user, client.address)
            details = {"how": how, "client": "exchange"}
            record(
                uow, Action.SESSION_OPENED, caller_of(user, issued.session.id), AuditEntry("session", issued.session.id, details=details)
            )
            return issued

        try:
            person = read_person(provider, await issuer.claims_of(token, presented, nonce))
            issued = await self._accounts.sign_in(provider, person, open_session)
        except GTVisionError as refusal:
            metrics.FEDERATED_SIGN_INS.labels(provider.name, refusal.code).inc()
            raise
        metrics.FEDERATED_SIGN_INS.labels(provider.name, "opened").inc()
        return issued

    def _issuer(self, name: str) -> HttpIssuer:
        if name not in self._tools.issuers:
            raise NotFound
        return self._tools.issuers[name]

    def _redirect_uri(self, name: str) -> str:
        return f"{self._tools.public_url.rstrip('/')}/api/v1/auth/oidc/{name}/callback"


def _is_cookie(text: str) -> bool:
    return len(text) == len(b64url(bytes(SECRET_BYTES))) and text.replace("-", "").replace("_", "").isalnum() and text.isascii()
