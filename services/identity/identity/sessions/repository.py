"""Rows of sessions and their refresh tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, select, text, update

from identity.keys.domain import EndReason
from identity.schema import Repository
from identity.sessions import tables
from identity.sessions.domain import RefreshToken, Session
from identity.sessions.tables import refresh_token as tokens


class PostgresSessions(Repository):
    """Sessions and refresh tokens of the unit of work's tenant."""

    async def add_session(self, session: Session) -> None:
        await self._add(tables.session, session)

    async def session(self, session_id: UUID) -> Session | None:
        return await self._first(Session, select(tables.session).where(tables.session.c.id == session_id))

    async def sessions_of(self, subject_id: UUID, now: datetime) -> list[Session]:
        """Those that are alive."""
        return await self._all(Session, _alive(subject_id, now))

    async def living_sessions(self, now: datetime) -> list[Session]:
        """Those of the tenant that are alive, of whichever user or key."""
        table = tables.session.c
        return await self._all(Session, select(tables.session).where(table.revoked_until.is_(None), table.expires_at > now))

    async def erase_sessions(self) -> None:
        """Delete every session of the tenant, with its refresh tokens."""
        await self._session.execute(delete(tables.session))

    async def page_of_sessions(self, subject_id: UUID, now: datetime, after: UUID | None, limit: int) -> list[Session]:
        """Those that are alive, newest first; `after` is the last id of the page before."""
        wanted = _alive(subject_id, now).order_by(tables.session.c.id.desc()).limit(limit)
        return await self._all(Session, wanted if after is None else wanted.where(tables.session.c.id < after))

    async def use_session(self, session_id: UUID, address: str | None, at: datetime) -> bool:
        """Set when and from where it was used last. Returns False where it was ended meanwhile."""
        table = tables.session
        alive = update(table).where(table.c.id == session_id, table.c.revoked_until.is_(None)).returning(table.c.id)
        return (await self._session.execute(alive.values(last_used_at=at, address=address))).first() is not None

    async def revoke_session(self, session_id: UUID, until: datetime, reason: EndReason) -> None:
        ended = {"revoked_until": until, "end_reason": str(reason)}
        await self._session.execute(update(tables.session).where(tables.session.c.id == session_id).values(ended))

    async def add_refresh_token(self, token: RefreshToken) -> None:
        await self._add(tokens, token)

    async def refresh_token(self, token_hash: str) -> RefreshToken | None:
        """Locked until the transaction ends, so that two uses of one token cannot both win."""
        return await self._first(RefreshToken, select(tokens).where(tokens.c.token_hash == token_hash).with_for_update())

    async def use_refresh_token(self, token_hash: str, at: datetime) -> None:
        await self._session.execute(update(tokens).where(tokens.c.token_hash == token_hash).values(used_at=at))

    async def revocations(self, now: datetime) -> dict[UUID, datetime]:
        """Across tenants: revoked sessions with tokens that have not expired by themselves."""
        found = await self._session.execute(text("SELECT session_id, until FROM live_revocations(:moment)"), {"moment": now})
        return {row.session_id: row.until for row in found}

    async def prune(self, before: datetime) -> int:
        """Across tenants: delete sessions that ended before. Returns how many."""
        return int(await self._session.scalar(text("SELECT prune_sessions(:moment)"), {"moment": before}) or 0)


def _alive(subject_id: UUID, now: datetime) -> Select[Any]:
    table = tables.session.c
    return select(tables.session).where(table.subject_id == subject_id, table.revoked_until.is_(None), table.expires_at > now)
