"""The store of identity in memory: the fake beside `ports.Store`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from identity.cities.domain import NameTaken, Tenant
from identity.federation.domain.federation import ExternalIdentity
from identity.keys.domain.api_keys import ApiKey
from identity.keys.domain.signing import SigningKey
from identity.people.domain.users import EmailTaken, User, email_key
from identity.sessions.domain import RefreshToken, Session


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

    async def set_settings(self, tenant: Tenant) -> None:
        self._rows.tenants[tenant.id] = tenant

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
