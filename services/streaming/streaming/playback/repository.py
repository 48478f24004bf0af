"""Rows of playback sessions to nouns and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from chassis.db import Database, UnitOfWork
from gtvision.tenancy import Role
from streaming.playback.domain import IndexedFile, PlaybackSession
from streaming.playback.tables import PlaybackSessionRow

_LONGEST = timedelta(days=1)
# Removed cameras too: what they recorded can be watched as long as it is kept.
_GROUPS = text("SELECT groups FROM streaming.cameras WHERE tenant_id = :tenant_id AND camera_id = :camera_id")
_SPAN = "tenant_id = :tenant_id AND camera_id = :camera_id AND started_at < :until"
# The media server writes no file of more than a day: the first bound lets PostgreSQL pass over the other days' partitions.
_FILES = text(
    f"SELECT path, parts FROM streaming.segments WHERE {_SPAN} AND started_at > :earliest AND ended_at > :since ORDER BY started_at"  # noqa: S608
)
_OPEN_FILE = text(f"SELECT count(*) FROM streaming.open_files WHERE {_SPAN} AND written_at > :since")  # noqa: S608 - a text of ours
_TENANT = text("SELECT streaming.tenant_of_camera(:camera_id)")


@dataclass(frozen=True, slots=True)
class PostgresPlaybackSessions:
    """The playback sessions of the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def add(self, session: PlaybackSession, ticket_hash: str, ticket_expires_at: datetime) -> None:
        values = {
            "tenant_id": session.tenant_id,
            "session_id": session.session_id,
            "camera_id": session.camera_id,
            "range_from": session.since,
            "range_to": session.until,
            "user_id": session.user_id,
            "role": session.role.value,
            "login_id": session.login_id,
            "groups": None if session.groups is None else sorted(session.groups),
            "purpose": session.purpose,
            "ticket_hash": ticket_hash,
            "ticket_expires_at": ticket_expires_at,
            "expires_at": session.expires_at,
        }
        await self.uow.session.execute(insert(PlaybackSessionRow).values(values))

    async def open(
        self, camera_id: UUID, hashes: tuple[str, str], address: str | None, now: datetime, expires_at: datetime
    ) -> PlaybackSession | None:
        """Spends a ticket for a key (`hashes` of both); None where there is no such ticket for this camera, or it is spent or expired."""
        row = PlaybackSessionRow
        statement = (
            update(row)
            .where(row.tenant_id == self.uow.tenant_id, row.ticket_hash == hashes[0], row.camera_id == camera_id)
            .where(row.opened_at.is_(None), row.ticket_expires_at > now)
            .values(opened_at=now, key_hash=hashes[1], address=address, expires_at=expires_at)
            .returning(row)
        )
        found = (await self.uow.session.execute(statement)).scalar_one_or_none()
        return _session_of(found) if found else None

    async def find(self, camera_id: UUID, key_hash: str) -> PlaybackSession | None:
        row = PlaybackSessionRow
        query = select(row).where(row.tenant_id == self.uow.tenant_id, row.key_hash == key_hash, row.camera_id == camera_id)
        found = (await self.uow.session.execute(query)).scalar_one_or_none()
        return _session_of(found) if found else None

    async def groups_of(self, camera_id: UUID) -> frozenset[UUID] | None:
        """The camera's groups; None where there is no such camera, and never was."""
        values = {"tenant_id": self.uow.tenant_id, "camera_id": camera_id}
        groups = (await self.uow.session.execute(_GROUPS, values)).scalar_one_or_none()
        return None if groups is None else frozenset(groups)

    async def end_login(self, login_id: UUID) -> None:
        row = PlaybackSessionRow
        await self.uow.session.execute(delete(row).where(row.tenant_id == self.uow.tenant_id, row.login_id == login_id))

    async def end_user(self, user_id: UUID) -> None:
        row = PlaybackSessionRow
        await self.uow.session.execute(delete(row).where(row.tenant_id == self.uow.tenant_id, row.user_id == user_id))

    async def forget_expired(self, now: datetime) -> None:
        row = PlaybackSessionRow
        await self.uow.session.execute(delete(row).where(row.tenant_id == self.uow.tenant_id, row.expires_at < now))


@dataclass(frozen=True, slots=True)
class PostgresPlayedFiles:
    """The recorded files of the tenant that the unit of work was opened with, as the index and the recorder agent know them."""

    uow: UnitOfWork

    async def between(self, camera_id: UUID, since: datetime, until: datetime) -> list[IndexedFile]:
        """The indexed files of which something lies in the range, oldest first."""
        rows = await self.uow.session.execute(_FILES, self._span(camera_id, since, until) | {"earliest": since - _LONGEST})
        return [IndexedFile(PurePosixPath(row.path), row.parts) for row in rows]

    async def is_being_written(self, camera_id: UUID, since: datetime, until: datetime) -> bool:
        """Whether the file that was being written a moment ago reaches into the range."""
        return bool((await self.uow.session.execute(_OPEN_FILE, self._span(camera_id, since, until))).scalar_one())

    def _span(self, camera_id: UUID, since: datetime, until: datetime) -> dict[str, object]:
        return {"tenant_id": self.uow.tenant_id, "camera_id": camera_id, "since": since, "until": until}


@dataclass(frozen=True, slots=True)
class PostgresTenants:
    """Whose a camera is, through the owner's definer function; a camera never changes hands."""

    db: Database
    _known: dict[UUID, UUID] = field(default_factory=dict)

    async def of_camera(self, camera_id: UUID) -> UUID | None:
        if camera_id not in self._known:
            async with self.db.uow(None) as uow:
                tenant_id = (await uow.session.execute(_TENANT, {"camera_id": camera_id})).scalar_one_or_none()
            if tenant_id is None:
                return None
            self._known[camera_id] = tenant_id
        return self._known[camera_id]


def _session_of(row: PlaybackSessionRow) -> PlaybackSession:
    return PlaybackSession(
        session_id=row.session_id,
        tenant_id=row.tenant_id,
        camera_id=row.camera_id,
        since=row.range_from,
        until=row.range_to,
        user_id=row.user_id,
        role=Role(row.role),
        login_id=row.login_id,
        groups=None if row.groups is None else frozenset(row.groups),
        purpose=row.purpose,
        expires_at=row.expires_at,
        address=row.address,
    )
