"""Identity on fakes and on the real thing: `house` is one or the other, so that each usecase test proves both."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from tests.identity.doors import KEYS, Door, bootstrap

from chassis.db import Database, UowFactory
from chassis.redis import connect_redis
from chassis.settings import DatabaseSettings, ObjectsSettings, RabbitSettings, RedisSettings, VaultSettings
from chassis.testing.fakes import FakeUow
from chassis.testing.tokens import encryption_keys, private_key_pem
from gtvision.errors import RateLimited, Unavailable
from gtvision.events import AuditRecorded
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Role, TenantSettings
from gtvision.time import FakeClock, SystemClock
from identity.app import create_api
from identity.domain.api_keys import ApiKey
from identity.domain.federation import ExternalIdentity
from identity.domain.sessions import RefreshToken, Session
from identity.domain.signing import OpenedKey, SigningKey
from identity.domain.tenants import NameTaken, Tenant
from identity.domain.users import EmailTaken, User, email_key
from identity.gateways.signing import JoseTokens
from identity.ports.store import Store
from identity.repository.store import SqlStore
from identity.settings import AuditSettings, Settings
from identity.usecases.doors import Doors
from identity.usecases.logins import Logins
from identity.usecases.opening import Ending, Opening
from identity.usecases.sessions import Sessions
from identity.usecases.users import Users

PASSWORD = "correct horse battery"


@dataclass
class Rows:
    """What a MemoryStore keeps."""

    tenants: dict[UUID, Tenant] = field(default_factory=dict)
    users: dict[UUID, User] = field(default_factory=dict)
    keys: dict[UUID, ApiKey] = field(default_factory=dict)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    signing: list[SigningKey] = field(default_factory=list)
    recovery: dict[UUID, set[str]] = field(default_factory=dict)
    external: dict[tuple[str, str], ExternalIdentity] = field(default_factory=dict)
    moved: set[UUID] = field(default_factory=set)
    """Accounts whose address is free again."""


class MemoryStore:
    """`ports.Store` in memory; sees the unit of work's tenant only."""

    def __init__(self, rows: Rows, tenant_id: UUID | None) -> None:
        self._rows, self._tenant = rows, tenant_id

    def _own(self, found: Any) -> Any:
        return found if found is not None and self._tenant in {getattr(found, "tenant_id", None), getattr(found, "id", None)} else None

    async def find_login(self, email_key: str) -> User | None:
        living = (user for user in self._rows.users.values() if user.id not in self._rows.moved)
        return next((user for user in living if user.email.casefold() == email_key), None)

    async def find_api_key(self, key_hash: str) -> ApiKey | None:
        return next((key for key in self._rows.keys.values() if key.key_hash == key_hash), None)

    async def tenants(self, after: UUID | None, limit: int) -> list[Tenant]:
        known = sorted(self._rows.tenants.values(), key=lambda tenant: tenant.id)
        return [tenant for tenant in known if after is None or tenant.id > after][:limit]

    async def find_tenant(self, name: str) -> Tenant | None:
        return next((tenant for tenant in self._rows.tenants.values() if tenant.name == name), None)

    async def add_tenant(self, tenant: Tenant) -> None:
        if await self.find_tenant(tenant.name):
            raise NameTaken
        self._rows.tenants[tenant.id] = tenant

    async def set_settings(self, tenant_id: UUID, revision: int, settings: TenantSettings) -> None:
        self._rows.tenants[tenant_id] = replace(self._rows.tenants[tenant_id], revision=revision, settings=settings)

    async def tenant(self, tenant_id: UUID, *, lock: bool = False) -> Tenant | None:
        found: Tenant | None = self._own(self._rows.tenants.get(tenant_id))
        return found

    async def add_user(self, user: User) -> None:
        if await self.find_login(email_key(user.email)):
            raise EmailTaken
        self._rows.users[user.id] = user

    async def user(self, user_id: UUID, *, lock: bool = False) -> User | None:
        found: User | None = self._own(self._rows.users.get(user_id))
        return found

    async def save_user(self, user: User) -> None:
        self._rows.users[user.id] = user

    async def lock_admins(self) -> list[User]:
        return [user for user in await self.users(None, 1_000) if user.runs_the_tenant]

    async def replace_recovery_codes(self, user_id: UUID, code_hashes: list[str]) -> None:
        self._rows.recovery[user_id] = set(code_hashes)

    async def use_recovery_code(self, user_id: UUID, code_hash: str, at: datetime) -> bool:
        known = code_hash in self._rows.recovery.get(user_id, set())
        self._rows.recovery.get(user_id, set()).discard(code_hash)
        return known

    async def recovery_codes_left(self, user_id: UUID) -> int:
        return len(self._rows.recovery.get(user_id, set()))

    async def write_nothing(self) -> None:
        """There is no disk."""

    async def count_enabled(self) -> int:
        return sum(not user.is_disabled for user in await self.users(None, 1_000))

    async def users(self, after: UUID | None, limit: int) -> list[User]:
        mine = sorted((user for user in self._rows.users.values() if user.tenant_id == self._tenant), key=lambda user: user.id)
        return [user for user in mine if after is None or user.id > after][:limit]

    async def find_external(self, issuer: str, subject: str) -> ExternalIdentity | None:
        return self._rows.external.get((issuer, subject))

    async def claim_external(self, identity: ExternalIdentity) -> bool:
        return self._rows.external.setdefault((identity.issuer, identity.subject), identity) is identity

    async def leave_external(self, identity: ExternalIdentity) -> None:
        del self._rows.external[identity.issuer, identity.subject]
        self._rows.moved.add(identity.account_id)

    async def add_api_key(self, key: ApiKey) -> None:
        self._rows.keys[key.id] = key

    async def api_key(self, key_id: UUID, *, lock: bool = False) -> ApiKey | None:
        found: ApiKey | None = self._own(self._rows.keys.get(key_id))
        return found

    async def api_keys(self, after: UUID | None, limit: int) -> list[ApiKey]:
        mine = sorted((key for key in self._rows.keys.values() if key.tenant_id == self._tenant), key=lambda key: key.id)
        return [key for key in mine if after is None or key.id > after][:limit]

    async def revoke_api_key(self, key_id: UUID, at: datetime) -> None:
        self._rows.keys[key_id] = replace(self._rows.keys[key_id], revoked_at=at)

    async def use_api_key(self, key_id: UUID, at: datetime, address: str) -> None:
        self._rows.keys[key_id] = replace(self._rows.keys[key_id], last_used_at=at, last_used_address=address)

    async def add_session(self, session: Session) -> None:
        self._rows.sessions[session.id] = session

    async def session(self, session_id: UUID) -> Session | None:
        found: Session | None = self._own(self._rows.sessions.get(session_id))
        return found

    async def sessions_of(self, subject_id: UUID, now: datetime) -> list[Session]:
        return [each for each in self._rows.sessions.values() if each.subject_id == subject_id and each.is_alive(now)]

    async def page_of_sessions(self, subject_id: UUID, now: datetime, after: UUID | None, limit: int) -> list[Session]:
        newest = sorted(await self.sessions_of(subject_id, now), key=lambda each: each.id, reverse=True)
        return [each for each in newest if after is None or each.id < after][:limit]

    async def use_session(self, session_id: UUID, address: str | None, at: datetime) -> bool:
        session = self._rows.sessions[session_id]
        self._rows.sessions[session_id] = replace(session, address=address, last_used_at=at)
        return session.revoked_until is None

    async def revoke_session(self, session_id: UUID, until: datetime) -> None:
        self._rows.sessions[session_id] = replace(self._rows.sessions[session_id], revoked_until=until)

    async def add_refresh_token(self, token: RefreshToken) -> None:
        self._rows.refresh[token.token_hash] = token

    async def refresh_token(self, token_hash: str) -> RefreshToken | None:
        found: RefreshToken | None = self._own(self._rows.refresh.get(token_hash))
        return found

    async def use_refresh_token(self, token_hash: str, at: datetime) -> None:
        self._rows.refresh[token_hash] = replace(self._rows.refresh[token_hash], used_at=at)

    async def lock_signing_keys(self) -> None:
        """One task at a time is inside anyway."""

    async def add_signing_key(self, key: SigningKey) -> None:
        self._rows.signing.append(key)

    async def retire_signing_keys(self, but: str, at: datetime) -> None:
        self._rows.signing = [
            key if key.kid == but or (key.retires_at or at) < at else replace(key, retires_at=at) for key in self._rows.signing
        ]

    async def erase_retired_keys(self, now: datetime) -> int:
        gone = [key for key in self._rows.signing if key.retires_at and key.retires_at <= now and key.private_sealed]
        self._rows.signing = [replace(key, private_sealed=None) if key in gone else key for key in self._rows.signing]
        return len(gone)

    async def signing_keys(self) -> list[SigningKey]:
        return sorted(self._rows.signing, key=lambda key: (key.created_at, key.kid), reverse=True)

    async def revocations(self, now: datetime) -> dict[UUID, datetime]:
        return {each.id: each.revoked_until for each in self._rows.sessions.values() if each.revoked_until and each.revoked_until > now}

    async def prune(self, before: datetime) -> int:
        gone = [each.id for each in self._rows.sessions.values() if each.expires_at < before]
        for session_id in gone:
            del self._rows.sessions[session_id]
        return len(gone)


class FakePasswords:
    """Hashes by writing down; remembers how often it worked."""

    def __init__(self) -> None:
        self.verified = 0

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.verified += 1
        return password_hash == f"hash of {password}"


class FakeThrottle:
    """Refuses the sixth attempt of a pair."""

    def __init__(self) -> None:
        self.attempts: dict[tuple[str, str], int] = {}

    async def attempt(self, account: str, address: str) -> None:
        pair = (account, address)
        self.attempts[pair] = self.attempts.get(pair, 0) + 1
        if self.attempts[pair] > 5:
            raise RateLimited

    async def succeeded(self, account: str, address: str) -> None:
        self.attempts.pop((account, address), None)


class FakeRegistry:
    """What was written for every service to read; `down` loses writes."""

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


class Chance:
    """Bytes that never repeat."""

    def __init__(self) -> None:
        self._seed, self._numbers = new_id().bytes, itertools.count()

    def __call__(self, size: int) -> bytes:
        return hashlib.shake_256(self._seed + next(self._numbers).to_bytes(8, "big")).digest(size)


class FakeSealer:
    """A vault that only writes down where a text belongs."""

    def seal(self, text: str, context: str = "") -> str:
        return f"{context}|{text}"

    def open(self, text: str, context: str = "") -> str:
        assert text.startswith(f"{context}|"), "a sealed text opens at its own place only"
        return text.removeprefix(f"{context}|")


@dataclass
class House:
    """A unit of work factory with its store, and what was emitted through it."""

    uow: UowFactory
    store: Callable[[Any], Store]
    clock: FakeClock
    emitted: Callable[[UUID], Any]
    tokens: JoseTokens
    passwords: FakePasswords = field(default_factory=FakePasswords)
    throttle: FakeThrottle = field(default_factory=FakeThrottle)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    chance: Chance = field(default_factory=Chance)
    sealer: FakeSealer = field(default_factory=FakeSealer)

    @property
    def doors(self) -> Doors:
        return Doors(self.throttle, self.passwords, self.chance, self.sealer)

    @property
    def opening(self) -> Opening:
        return Opening(self.store, self.tokens, self.clock, self.chance)

    @property
    def ending(self) -> Ending:
        return Ending(self.store, self.registry, self.clock)

    @property
    def logins(self) -> Logins:
        return Logins(self.uow, self.store, self.opening, self.doors, self.clock)

    @property
    def sessions(self) -> Sessions:
        return Sessions(self.uow, self.store, self.opening, self.ending, self.clock)

    @property
    def users(self) -> Users:
        return Users(self.uow, self.store, self.passwords, self.ending, self.clock)

    async def deeds(self, tenant_id: UUID) -> list[AuditRecorded]:
        """What went on record."""
        return [event for event in await self.emitted(tenant_id) if isinstance(event, AuditRecorded)]

    async def facts(self, tenant_id: UUID) -> list[Any]:
        """What was announced beside the record."""
        return [event for event in await self.emitted(tenant_id) if not isinstance(event, AuditRecorded)]

    async def add_tenant(self, settings: TenantSettings | None = None) -> UUID:
        tenant_id = new_id()
        async with self.uow(tenant_id) as work:
            await self.store(work).add_tenant(Tenant(tenant_id, f"City {tenant_id}", 1, self.clock.now(), settings or TenantSettings()))
        return tenant_id

    async def add_user(self, tenant_id: UUID, role: Role = Role.OPERATOR, email: str | None = None) -> User:
        user_id = new_id()
        user = User(user_id, tenant_id, email or f"{user_id}@Example.org", role, f"hash of {PASSWORD}", self.clock.now())
        async with self.uow(tenant_id) as work:
            await self.store(work).add_user(user)
        return user


def caller_of(user: User, session_id: UUID | None = None) -> Caller:
    return Caller(user.tenant_id, user.id, user.role, frozenset(map(str, ROLE_SCOPES[user.role])), session_id or new_id())


def signing(clock: Any) -> JoseTokens:
    return JoseTokens(clock, [OpenedKey("test-1", private_key_pem("test-1"), clock.now())])


def fake_house() -> House:
    clock, rows = FakeClock(), Rows()
    uow = FakeUow(clock)

    async def emitted(tenant_id: UUID) -> Sequence[Any]:
        return [event.data for event in uow.emitted if event.tenant_id == tenant_id]

    return House(uow, lambda work: MemoryStore(rows, work.tenant_id), clock, emitted, signing(clock))


def patient(settings: DatabaseSettings) -> DatabaseSettings:
    """A machine that is busy with something else is no database that is down."""
    return settings.model_copy(update={"timeout_s": 20.0})


@pytest.fixture
async def database_house(database_for: Callable[..., Any]) -> AsyncIterator[House]:
    clock = FakeClock(SystemClock().now())
    async with Database(patient(await database_for("identity")), clock) as db:

        async def emitted(tenant_id: UUID) -> Sequence[Any]:
            from chassis.envelope import parse
            from gtvision.events import event_types

            async with db.uow(None) as work:
                rows = await work.session.execute(text("SELECT key, body FROM outbox WHERE tenant_id = :t ORDER BY id"), {"t": tenant_id})
                return [parse(event_types()[row.key], row.body.encode()).data for row in rows]

        yield House(db.uow, SqlStore, clock, emitted, signing(clock))


@pytest.fixture(params=["fake", pytest.param("postgresql", marks=pytest.mark.db)])
def house(request: pytest.FixtureRequest) -> House:
    if request.param == "fake":
        return fake_house()
    found: House = request.getfixturevalue("database_house")
    return found


@pytest.fixture
def password() -> str:
    return PASSWORD


@pytest.fixture
def as_caller() -> Callable[[User], Caller]:
    return caller_of


@pytest.fixture(scope="module")
async def door(
    database_for: Callable[[str], Awaitable[DatabaseSettings]],
    rabbitmq: RabbitSettings,
    redis_state: RedisSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Door]:
    settings = Settings(
        db=patient(await database_for("identity")),
        rabbit=rabbitmq,
        redis=redis_state,
        vault=VaultSettings(keys=SecretStr(KEYS)),
        objects=ObjectsSettings(url=tmp_path_factory.mktemp("objects").as_uri()),
        audit=AuditSettings(keys=SecretStr(encryption_keys()), anchor_every_s=1),
        http_port=0,
    )
    await bootstrap(settings)
    service = create_api(settings)
    async with service.started():
        transport = httpx.ASGITransport(service.api, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            yield Door(service, http, settings)


@pytest.fixture
async def no_throttle_left(door: Door) -> AsyncIterator[None]:
    yield
    client = connect_redis(door.settings.redis.state_url)
    async for name in client.scan_iter("identity:throttle:*"):
        await client.delete(name)
    await client.aclose()
