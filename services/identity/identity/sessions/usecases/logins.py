"""Opening a session: with a password and the code of a second factor, or with an API key (RFC 8693)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action, Outcome
from gtvision.errors import BadCredentials, Forbidden, SessionRevoked, Unauthenticated
from gtvision.tenancy import Caller
from gtvision.time import Clock
from identity import metrics
from identity.cities.domain import CitySuspended
from identity.keys.domain import USED_AT_MOST_EVERY, ApiKey, EndReason, hash_secret
from identity.people.domain.passwords import SamePassword, WrongPassword, check_password
from identity.people.domain.users import AccountDisabled, InvalidEmail, User, email_key
from identity.second_factors.domain import SecondFactorInvalid, SecondFactorRequired
from identity.sessions.domain import ClientInfo, IssuedTokens, caller_of

if TYPE_CHECKING:
    from identity.people.usecases.credentials import CredentialChecker
    from identity.repository import PostgresRows, RowsOf
    from identity.sessions.usecases.issuing import SessionIssuer, SessionRevoker


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """What a user logs in with."""

    email: str
    password: str
    code: str | None = None


class Logins:
    """Sessions of users, by their password, and of programs, by their API key."""

    def __init__(
        self, uow: UowFactory, rows: RowsOf, issuer: SessionIssuer, revoker: SessionRevoker, checker: CredentialChecker, clock: Clock
    ) -> None:
        self._uow, self._rows, self._issuer, self._revoker, self._checker, self._clock = uow, rows, issuer, revoker, checker, clock

    async def login(self, login: PasswordLogin, client: ClientInfo) -> IssuedTokens:
        """Open a session. Without the right password, whether the account exists shows neither in the answer nor in how long it takes.

        Raises: BadCredentials, AccountDisabled, CitySuspended, SecondFactorRequired, SecondFactorInvalid, RateLimited, Unavailable.
        """
        try:
            account = email_key(login.email)
        except InvalidEmail:
            account = ""
        await self._checker.throttle.attempt(account, client.address)
        async with self._uow(None) as uow:
            known = await self._rows(uow).find_login(account)
        right = await self._checker.passwords.verify(known.password_hash if known else None, login.password)
        try:
            issued = await self._enter(known, right, login, client)
        except (Unauthenticated, Forbidden) as refusal:
            metrics.LOGINS.labels("refused").inc()
            await self._record_refusal(known, refusal)
            raise
        await self._checker.throttle.succeeded(account, client.address)
        metrics.LOGINS.labels("opened").inc()
        return issued

    async def _enter(self, known: User | None, right: bool, login: PasswordLogin, client: ClientInfo) -> IssuedTokens:
        if known is None or not right:
            raise BadCredentials
        async with self._uow(known.tenant_id) as uow:
            rows = self._rows(uow)
            user = await rows.user(known.id, lock=True)  # a request that disables them now waits, and then finds this session
            if user is None or user.password_hash != known.password_hash:
                raise BadCredentials
            if user.is_disabled:
                raise AccountDisabled
            await rows.open_tenant(user.tenant_id)
            how = "password"
            if user.asks_for_a_code:
                how = await self._spend_code(rows, user, login.code)
            return await self._issuer.open(uow, user, client, how)

    async def _spend_code(self, rows: PostgresRows, user: User, code: str | None) -> str:
        if code is None:
            raise SecondFactorRequired
        how = await self._checker.spend_code(rows, user, code, self._clock.now())
        if how is None:
            raise SecondFactorInvalid
        return how

    async def _record_refusal(self, known: User | None, refusal: Unauthenticated | Forbidden) -> None:
        """Put a refused login on record in the user's tenant, in a transaction of its own: the one that was refused is rolled back."""
        async with self._uow(known.tenant_id if known else None) as uow:
            if known is None:
                await self._rows(uow).write_nothing()
                return
            reason = "disabled" if known.is_disabled else refusal.code
            entry = AuditEntry("user", known.id, details={"reason": reason}, outcome=Outcome.REFUSED)
            record(uow, Action.SESSION_REFUSED, None, entry)

    async def change_password(self, caller: Caller, current: str, new: str, address: str) -> IssuedTokens:
        """Change one's own password; gives a fresh session of the same client, and ends all others.

        Raises: WrongPassword, WeakPassword, SamePassword, SessionRevoked, Forbidden, RateLimited, Unavailable.
        """
        async with self._uow(caller.tenant_id) as uow:
            user, tenant = await self._rows(uow).user(caller.user_id), await self._rows(uow).tenant(caller.tenant_id)
        if user is None or tenant is None:
            raise Forbidden("Only a person has a password.")
        await self._checker.check_password(user, current, address)
        check_password(new, user.email, tenant.name)
        if new == current:
            raise SamePassword
        new_hash = await self._checker.passwords.hash(new)
        async with self._uow(caller.tenant_id) as uow:
            issued = await self._change_password(uow, caller, user, new_hash)
        await self._checker.forgive(user, address)
        return issued

    async def _change_password(self, uow: UnitOfWork, caller: Caller, known: User, new_hash: str) -> IssuedTokens:
        rows = self._rows(uow)
        user, session = await rows.user(known.id, lock=True), await rows.session(caller.session_id)
        if user is None or session is None or user.password_hash != known.password_hash:
            raise WrongPassword
        if user.is_disabled or session.revoked_until is not None:
            raise SessionRevoked  # while the new password was hashed
        await rows.open_tenant(user.tenant_id)
        fresh = replace(user, password_hash=new_hash, must_change_password=False)
        await rows.save_user(fresh)
        record(uow, Action.PASSWORD_CHANGED, caller, AuditEntry("user", user.id))
        await self._revoker.end_all(uow, user, EndReason.PASSWORD)
        return await self._issuer.reopen(uow, fresh, session, "password.changed")

    # --- API keys ----------------------------------------------------------------------------------------------------------

    async def exchange_api_key(self, api_key: str, address: str) -> IssuedTokens:
        """Trade an API key for a short token (RFC 8693), which ends with the key at the latest. On record, also where a known key is
        refused.

        Only refusals count as attempts: a key cannot be guessed, and a hundred workers may use a good one at once. Raises: BadCredentials,
        CitySuspended, RateLimited, Unavailable.
        """
        async with self._uow(None) as uow:
            key = await self._rows(uow).find_api_key(hash_secret(api_key))
        try:
            issued = None if key is None else await self._exchange(key, address)
            if issued is None:
                raise BadCredentials("The API key is not valid.")
        except (BadCredentials, CitySuspended) as refusal:
            await self._checker.throttle.attempt(f"key {hash_secret(api_key)}", address)
            await self._record_refused_key(key, refusal)
            raise
        return issued

    async def _exchange(self, found: ApiKey, address: str) -> IssuedTokens | None:
        now = self._clock.now()
        async with self._uow(found.tenant_id) as uow:
            rows = self._rows(uow)
            key = await rows.api_key(found.id, lock=True)  # a request that revokes it now waits, and then finds this session
            if key is None or not key.is_usable(now):
                return None
            await rows.open_tenant(key.tenant_id)
            issued = await self._issuer.issue_short(uow, key, address, key.expires_at)
            if key.last_used_at is None or now - key.last_used_at >= USED_AT_MOST_EVERY or key.last_used_address != address:
                await rows.use_api_key(key.id, now, address)
            record(
                uow, Action.API_KEY_EXCHANGED, caller_of(key, issued.session.id), AuditEntry("api_key", key.id, details={"name": key.name})
            )
        return issued

    async def _record_refused_key(self, key: ApiKey | None, refusal: BadCredentials | CitySuspended) -> None:
        if key is None:
            return
        reason = "expired" if key.revoked_at is None and not key.is_usable(self._clock.now()) else "revoked"
        if isinstance(refusal, CitySuspended):
            reason = refusal.code
        entry = AuditEntry("api_key", key.id, details={"name": key.name, "reason": reason}, outcome=Outcome.REFUSED)
        async with self._uow(key.tenant_id) as uow:
            record(uow, Action.API_KEY_EXCHANGED, None, entry)
