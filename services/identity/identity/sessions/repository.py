"""Rows of sessions to nouns and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, select, text, update

from identity.repository.rows import SqlRows
from identity.sessions import tables
from identity.sessions.domain import Client, RefreshToken, Session, SubjectKind


class SqlSessions(SqlRows):
    """`ports.SessionRows`."""

    async def add_session(self, session: Session) -> None:
        values = {
            "tenant_id": session.tenant_id,
            "id": session.id,
            "subject_id": session.subject_id,
            "subject_kind": str(session.subject_kind),
            "created_at": session.created_at,
            "expires_at": session.expires_at,
            "client": str(session.client),
            "device": session.device,
            "address": session.address,
            "last_used_at": session.last_used_at,
        }
        await self._session.execute(insert(tables.session).values(values))

    async def session(self, session_id: UUID) -> Session | None:
        row = await self._one(select(tables.session).where(tables.session.c.id == session_id))
        return None if row is None else _session(row)

    async def sessions_of(self, subject_id: UUID, now: datetime) -> list[Session]:
        return [_session(row) for row in await self._session.execute(_living(subject_id, now))]

    async def page_of_sessions(self, subject_id: UUID, now: datetime, after: UUID | None, limit: int) -> list[Session]:
        table, wanted = tables.session.c, _living(subject_id, now)
        if after is not None:
            wanted = wanted.where(table.id < after)
        return [_session(row) for row in await self._session.execute(wanted.order_by(table.id.desc()).limit(limit))]

    async def use_session(self, session_id: UUID, address: str | None, at: datetime) -> bool:
        table = tables.session
        living = update(table).where(table.c.id == session_id, table.c.revoked_until.is_(None)).returning(table.c.id)
        return (await self._session.execute(living.values(last_used_at=at, address=address))).first() is not None

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

    async def revocations(self, now: datetime) -> dict[UUID, datetime]:
        found = await self._session.execute(text("SELECT session_id, until FROM live_revocations(:moment)"), {"moment": now})
        return {row.session_id: row.until for row in found}

    async def prune(self, before: datetime) -> int:
        gone = await self._session.scalar(text("SELECT prune_sessions(:moment)"), {"moment": before})
        return int(gone or 0)


def _living(subject_id: UUID, now: datetime) -> Select[Any]:
    table = tables.session.c
    return select(tables.session).where(table.subject_id == subject_id, table.revoked_until.is_(None), table.expires_at > now)


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        tenant_id=row.tenant_id,
        subject_id=row.subject_id,
        subject_kind=SubjectKind(row.subject_kind),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_until=row.revoked_until,
        client=Client(row.client),
        device=row.device,
        address=row.address,
        last_used_at=row.last_used_at,
    )
