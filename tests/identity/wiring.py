"""All tools of identity's use cases on a real PostgreSQL, with fakes of slow and remote ones."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.fixtures.tokens import private_key_pem

from chassis.db import UowFactory
from chassis.settings import DatabaseSettings
from chassis.vault import Vault
from gtvision.errors import RateLimited, SessionRevoked, Unavailable
from gtvision.events import AuditRecorded
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Role, TenantSettings
from gtvision.time import FakeClock
from identity.cities.domain import Tenant
from identity.cities.usecases.installation import Installation
from identity.cities.usecases.suspensions import Suspensions
from identity.gateways.argon2 import Argon2Passwords
from identity.gateways.redis import RedisRegistry, RedisThrottle
from identity.gateways.signing import JoseTokens
from identity.keys.domain import OpenedKey
from identity.keys.usecases import ApiKeys, SigningKeys
from identity.people.domain.users import User
from identity.people.usecases.accounts import Accounts
from identity.people.usecases.credentials import CredentialChecker, Credentials
from identity.people.usecases.users import Users
from identity.repository import RowsOf
from identity.second_factors.usecases import SecondFactors
from identity.sessions.usecases.issuing import SessionIssuer, SessionRevoker
from identity.sessions.usecases.logins import Logins
from identity.sessions.usecases.sessions import Sessions

PASSWORD = "correct horse battery"


class FakePasswords(Argon2Passwords):
    """The fake of password hashing, which keeps the password and counts its work."""

    def __init__(self) -> None:
        self.verified = 0

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.verified += 1
        return password_hash == f"hash of {password}"


class FakeThrottle(RedisThrottle):
    """The fake of the throttle: it refuses the sixth attempt of an address and name."""

    def __init__(self) -> None:
        self.attempts: dict[tuple[str, str], int] = {}

    async def attempt(self, account: str, address: str) -> None:
        pair = (account, address)
        self.attempts[pair] = self.attempts.get(pair, 0) + 1
        if self.attempts[pair] > 5:
            raise RateLimited

    async def succeeded(self, account: str, address: str) -> None:
        self.attempts.pop((account, address), None)


class FakeRegistry(RedisRegistry):
    """The fake of the session registry in Redis; while `down` is set, writes are lost."""

    def __init__(self) -> None:
        self.revoked: dict[UUID, datetime] = {}
        self.jwks: Mapping[str, object] = {}
        self.whole = False
        self.loads = 0
        self.down = False

    async def is_whole(self) -> bool:
        self._check()
        return self.whole

    async def load(self, jwks: Mapping[str, object], revocations: Mapping[UUID, datetime], now: datetime) -> None:
        self._check()
        self.jwks, self.whole, self.loads = jwks, True, self.loads + 1
        self.revoked |= revocations

    async def revoke(self, session_id: UUID, until: datetime) -> None:
        if self.down:
            self.whole = False
        self._check()
        self.revoked[session_id] = until

    def _check(self) -> None:
        if self.down:
            raise Unavailable


class RandomBytes:
    """The fake of the source of random bytes: they never repeat."""

    def __init__(self) -> None:
        self._seed, self._numbers = new_id().bytes, itertools.count()

    def __call__(self, size: int) -> bytes:
        return hashlib.shake_256(self._seed + next(self._numbers).to_bytes(8, "big")).digest(size)


class FakeSealer(Vault):
    """The fake of the vault, which adds the context to a text in place of encrypting it."""

    def __init__(self) -> None:
        """Makes a vault without keys."""

    def seal(self, text: str, context: str = "") -> str:
        return f"{context}|{text}"

    def open(self, text: str, context: str = "") -> str:
        assert text.startswith(f"{context}|"), "a sealed text opens at its own place only"
        return text.removeprefix(f"{context}|")


@dataclass
class Wiring:
    """A factory of units of work with its repositories, and the events that were emitted."""

    uow: UowFactory
    rows: RowsOf
    clock: FakeClock
    emitted: Callable[[UUID], Any]
    tokens: JoseTokens
    passwords: FakePasswords = field(default_factory=FakePasswords)
    throttle: FakeThrottle = field(default_factory=FakeThrottle)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    random_bytes: RandomBytes = field(default_factory=RandomBytes)
    vault: FakeSealer = field(default_factory=FakeSealer)

    @property
    def checker(self) -> CredentialChecker:
        return CredentialChecker(self.throttle, self.passwords, self.random_bytes, self.vault)

    @property
    def issuer(self) -> SessionIssuer:
        return SessionIssuer(self.rows, self.tokens, self.clock, self.random_bytes)

    @property
    def revoker(self) -> SessionRevoker:
        return SessionRevoker(self.rows, self.registry, self.clock)

    @property
    def logins(self) -> Logins:
        return Logins(self.uow, self.rows, self.issuer, self.revoker, self.checker, self.clock)

    @property
    def sessions(self) -> Sessions:
        return Sessions(self.uow, self.rows, self.issuer, self.revoker, self.tokens, self.clock)

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.uow, self.rows, Accounts(self.uow, self.rows), self.revoker, self.checker)

    @property
    def second_factors(self) -> SecondFactors:
        return SecondFactors(self.uow, self.rows, Accounts(self.uow, self.rows), self.revoker, self.checker, self.clock)

    @property
    def users(self) -> Users:
        return Users(self.uow, self.rows, self.passwords, self.revoker, self.clock)

    @property
    def api_keys(self) -> ApiKeys:
        return ApiKeys(self.uow, self.rows, self.revoker, self.clock, self.random_bytes)

    @property
    def signing_keys(self) -> SigningKeys:
        return SigningKeys(self.uow, self.rows, self.tokens, self.registry, self.vault, self.clock)

    @property
    def suspensions(self) -> Suspensions:
        return Suspensions(self.uow, self.rows, self.revoker, self.clock, timedelta(days=30))

    @property
    def installation(self) -> Installation:
        return Installation(self.uow, self.rows, self.vault, self.clock)

    async def recovery_codes_left(self, user: User) -> int:
        unused = "SELECT count(*) FROM recovery_code WHERE account_id = :user AND used_at IS NULL"
        async with self.uow(user.tenant_id) as uow:
            return int(await uow.session.scalar(text(unused), {"user": user.id}) or 0)

    async def audit_entries(self, tenant_id: UUID) -> list[AuditRecorded]:
        """Returns the tenant's audit entries."""
        return [event for event in await self.emitted(tenant_id) if isinstance(event, AuditRecorded)]

    async def facts(self, tenant_id: UUID) -> list[Any]:
        """Returns the tenant's events without audit entries."""
        return [event for event in await self.emitted(tenant_id) if not isinstance(event, AuditRecorded)]

    async def refusal(self, refresh_token: str | None) -> str:
        """Returns why the session of a refresh token is refused."""
        with pytest.raises(SessionRevoked) as refused:
            await self.sessions.refresh(refresh_token or "", "203.0.113.7")
        return str(refused.value.context["reason"])

    async def add_tenant(self, settings: TenantSettings | None = None) -> UUID:
        tenant_id = new_id()
        async with self.uow(tenant_id) as uow:
            await self.rows(uow).add_tenant(Tenant(tenant_id, f"City {tenant_id}", 1, self.clock.now(), settings or TenantSettings()))
        return tenant_id

    async def add_user(self, tenant_id: UUID, role: Role = Role.OPERATOR) -> User:
        user_id = new_id()
        user = User(user_id, tenant_id, f"{user_id}@Example.org", role, f"hash of {PASSWORD}", self.clock.now())
        async with self.uow(tenant_id) as uow:
            await self.rows(uow).add_user(user)
        return user


def caller_of(user: User, session_id: UUID | None = None) -> Caller:
    return Caller(user.tenant_id, user.id, user.role, frozenset(map(str, ROLE_SCOPES[user.role])), session_id or new_id())


def signing(clock: Any) -> JoseTokens:
    return JoseTokens(clock, [OpenedKey("test-1", private_key_pem("test-1"), clock.now())])


def patient(settings: DatabaseSettings) -> DatabaseSettings:
    """Returns the settings with a long timeout, as a busy test machine is slow without being down."""
    return settings.model_copy(update={"timeout_s": 60.0})
