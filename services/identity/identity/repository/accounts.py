"""Rows of `identity` to nouns and back. One instance lives as long as its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.db import UnitOfWork
from gtvision.tenancy import Role
from identity import tables
from identity.domain.accounts import ApiKey, EmailTaken, RefreshToken, Session, SigningKey, SubjectKind, Tenant, User, email_key


class SqlStore:
    """`ports.Store` on PostgreSQL."""

    def __init__(self, work: UnitOfWork) -> None:
        self._session = work.session

    async def _one(self, statement: Any, parameters: Mapping[str, object] | None = None) -> Row[Any] | None:
        return (await self._session.execute(statement, parameters)).first()

    async def find_login(self, email_key: str) -> User | None:
        row = await self._one(text("SELECT * FROM find_login(:wanted)"), {"wanted": email_key})
        return None if row is None else _user(row)

    async def find_api_key(self, key_hash: str) -> ApiKey | None:
        row = await self._one(text("SELECT * FROM find_api_key(:wanted)"), {"wanted": key_hash})
        return None if row is None else _api_key(row)

    async def find_tenant(self, name: str) -> Tenant | None:
        row = await self._one(text("SELECT * FROM find_tenant(:wanted)"), {"wanted": name})
        return None if row is None else _tenant(row)

    async def add_tenant(self, tenant: Tenant) -> None:
        values = {"tenant_id": tenant.id, "name": tenant.name, "revision": tenant.revision, "created_at": tenant.created_at}
        await self._session.execute(insert(tables.tenant).values(values))

    async def tenant(self, tenant_id: UUID) -> Tenant | None:
        row = await self._one(select(tables.tenant).where(tables.tenant.c.tenant_id == tenant_id))
        return None if row is None else _tenant(row)

    async def add_user(self, user: User) -> None:
        claimed = await self._session.scalar(
            text("SELECT claim_login(:wanted, :tenant, :account)"),
            {"wanted": email_key(user.email), "tenant": user.tenant_id, "account": user.id},
        )
        if not claimed:
            raise EmailTaken
        values = {
            "tenant_id": user.tenant_id,
            "id": user.id,
            "email": user.email,
            "role": str(user.role),
            "password_hash": user.password_hash,
            "camera_groups": _listed(user.camera_groups),
            "created_at": user.created_at,
            "disabled_at": user.disabled_at,
        }
        await self._session.execute(insert(tables.account).values(values))

    async def user(self, user_id: UUID, *, lock: bool = False) -> User | None:
        statement = select(tables.account).where(tables.account.c.id == user_id)
        row = await self._one(statement.with_for_update() if lock else statement)
        return None if row is None else _user(row)

    async def set_disabled(self, user_id: UUID, at: datetime | None) -> None:
        await self._session.execute(update(tables.account).where(tables.account.c.id == user_id).values(disabled_at=at))

    async def users(self, after: UUID | None, limit: int) -> list[User]:
        statement = select(tables.account).order_by(tables.account.c.id).limit(limit)
        if after is not None:
            statement = statement.where(tables.account.c.id > after)
        return [_user(row) for row in await self._session.execute(statement)]

    async def add_api_key(self, key: ApiKey) -> None:
        values = {
            "tenant_id": key.tenant_id,
            "id": key.id,
            "name": key.name,
            "role": str(key.role),
            "key_hash": key.key_hash,
            "camera_groups": _listed(key.camera_groups),
            "created_at": key.created_at,
        }
        await self._session.execute(insert(tables.api_key).values(values))

    async def api_key(self, key_id: UUID) -> ApiKey | None:
        row = await self._one(select(tables.api_key).where(tables.api_key.c.id == key_id))
        return None if row is None else _api_key(row)

    async def add_session(self, session: Session) -> None:
        values = {
            "tenant_id": session.tenant_id,
            "id": session.id,
            "subject_id": session.subject_id,
            "subject_kind": str(session.subject_kind),
            "created_at": session.created_at,
            "expires_at": session.expires_at,
        }
        await self._session.execute(insert(tables.session).values(values))

    async def session(self, session_id: UUID) -> Session | None:
        row = await self._one(select(tables.session).where(tables.session.c.id == session_id))
        return None if row is None else _session(row)

    async def sessions_of(self, subject_id: UUID, now: datetime) -> list[Session]:
        table = tables.session.c
        wanted = select(tables.session).where(table.subject_id == subject_id, table.revoked_until.is_(None), table.expires_at > now)
        return [_session(row) for row in await self._session.execute(wanted)]

    async def revoke_session(self, session_id: UUID, until: datetime) -> None:
        await self._session.execute(update(tables.session).where(tables.session.c.id == session_id).values(revoked_until=until))

    async def add_refresh_token(self, token: RefreshToken) -> None:
        values = {
            "tenant_id": token.tenant_id,
            "token_hash": token.token_hash,
            "session_id": token.session_id,
            "expires_at": token.expires_at,
        }
        await self._session.execute(insert(tables.refresh_token).values(values))

    async def refresh_token(self, token_hash: str) -> RefreshToken | None:
        table = tables.refresh_token
        row = await self._one(select(table).where(table.c.token_hash == token_hash).with_for_update())
        return None if row is None else RefreshToken(row.token_hash, row.session_id, row.tenant_id, row.expires_at, row.used_at)

    async def use_refresh_token(self, token_hash: str, at: datetime) -> None:
        table = tables.refresh_token
        await self._session.execute(update(table).where(table.c.token_hash == token_hash).values(used_at=at))

    async def add_signing_key(self, key: SigningKey) -> bool:
        # Two bootstraps at once would each add a key: the lock lasts until the transaction ends.
        await self._session.execute(text("SELECT pg_advisory_xact_lock(26996, 1)"))
        if await self._session.scalar(select(func.count()).select_from(tables.signing_key)):
            return False
        values = {"kid": key.kid, "private_sealed": key.private_sealed, "public_jwk": key.public_jwk, "created_at": key.created_at}
        await self._session.execute(upsert(tables.signing_key).values(values).on_conflict_do_nothing())
        return True

    async def signing_keys(self) -> list[SigningKey]:
        statement = select(tables.signing_key).order_by(tables.signing_key.c.created_at.desc())
        return [SigningKey(row.kid, row.private_sealed, row.public_jwk, row.created_at) for row in await self._session.execute(statement)]

    async def revocations(self, now: datetime) -> dict[UUID, datetime]:
        found = await self._session.execute(text("SELECT session_id, until FROM live_revocations(:moment)"), {"moment": now})
        return {row.session_id: row.until for row in found}

    async def prune(self, before: datetime) -> int:
        gone = await self._session.scalar(text("SELECT prune_sessions(:moment)"), {"moment": before})
        return int(gone or 0)


def _listed(groups: frozenset[UUID] | None) -> list[UUID] | None:
    return None if groups is None else sorted(groups)


def _groups(listed: list[UUID] | None) -> frozenset[UUID] | None:
    return None if listed is None else frozenset(listed)


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(row.tenant_id, row.name, row.revision, row.created_at)


def _user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        tenant_id=row.tenant_id,
        email=row.email,
        role=Role(row.role),
        password_hash=row.password_hash,
        created_at=row.created_at,
        camera_groups=_groups(row.camera_groups),
        disabled_at=row.disabled_at,
    )


def _api_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        role=Role(row.role),
        key_hash=row.key_hash,
        created_at=row.created_at,
        camera_groups=_groups(row.camera_groups),
        revoked_at=row.revoked_at,
    )


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        tenant_id=row.tenant_id,
        subject_id=row.subject_id,
        subject_kind=SubjectKind(row.subject_kind),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_until=row.revoked_until,
    )
