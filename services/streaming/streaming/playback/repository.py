"""Rows of playback sessions to nouns and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from chassis.db import Database, UnitOfWork
from gtvision.tenancy import Role
from streaming.playback.domain import IndexedFile, Offer, PlaybackSession
from streaming.playback.tables import PlaybackSessionRow

_LONGEST = timedelta(days=1)
_LONG_AGO = datetime.fromtimestamp(0, UTC)
_REMEMBERED = timedelta(hours=1)
_SPAN = "tenant_id = :tenant_id AND camera_id = :camera_id AND started_at < :until"
# The media server writes no file of more than a day: the first bound lets PostgreSQL pass over the other days' partitions.
_FILES = text(
    f"SELECT path, parts FROM streaming.segments WHERE {_SPAN} AND started_at > :earliest AND ended_at > :since ORDER BY started_at"  # noqa: S608
)
_OPEN_FILE = text(f"SELECT count(*) FROM streaming.open_files WHERE {_SPAN} AND written_at > :since")  # noqa: S608 - a text of ours
_TENANT = text("SELECT streaming.tenant_of_camera(:camera_id)")
_TENANT_OF_TICKET = text("SELECT streaming.tenant_of_ticket(:ticket_hash)")


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
            "given_at": session.given_at,
        }
        await self.uow.session.execute(insert(PlaybackSessionRow).values(values))

    async def offered(self, ticket_hash: str) -> Offer | None:
        """The session of a ticket, locked; None where there is none, or it is forgotten."""
        row = PlaybackSessionRow
        query = select(row).where(row.tenant_id == self.uow.tenant_id, row.ticket_hash == ticket_hash).with_for_update()
        found = (await self.uow.session.execute(query)).scalar_one_or_none()
        if found is None:
            return None
        return Offer(_session_of(found), found.ticket_expires_at, found.opened_at is not None, frozenset(found.told))

    async def open(self, session_id: UUID, key_hash: str, address: str | None, now: datetime, expires_at: datetime) -> None:
        """Spends the ticket of a session for a key."""
        await self._update(session_id, opened_at=now, key_hash=key_hash, address=address, expires_at=expires_at)

    async def tell(self, session_id: UUID, refusal: str) -> None:
        """Notes that a refusal of its ticket is on record."""
        await self._update(session_id, told=func.array_append(PlaybackSessionRow.told, refusal))

    async def _update(self, session_id: UUID, **values: object) -> None:
        row = PlaybackSessionRow
        await self.uow.session.execute(
            update(row).where(row.tenant_id == self.uow.tenant_id, row.session_id == session_id).values(**values)
        )

    async def find(self, camera_id: UUID, key_hash: str) -> PlaybackSession | None:
        row = PlaybackSessionRow
        query = select(row).where(row.tenant_id == self.uow.tenant_id, row.key_hash == key_hash, row.camera_id == camera_id)
        found = (await self.uow.session.execute(query)).scalar_one_or_none()
        return _session_of(found) if found else None

    async def forget_expired(self, now: datetime) -> None:
        """Some time after their end: until then it is known whose ticket is shown too late."""
        row = PlaybackSessionRow
        await self.uow.session.execute(delete(row).where(row.tenant_id == self.uow.tenant_id, row.expires_at < now - _REMEMBERED))


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
    """Whose a camera or a ticket is, through the owner's definer functions; a camera never changes hands."""

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

    async def of_ticket(self, ticket_hash: str) -> UUID | None:
        async with self.db.uow(None) as uow:
            found: UUID | None = (await uow.session.execute(_TENANT_OF_TICKET, {"ticket_hash": ticket_hash})).scalar_one_or_none()
        return found


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
        given_at=row.given_at or _LONG_AGO,
        address=row.address,
    )
