"""Rows of playback."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streaming.schema import Row


class PlaybackSessionRow(Row):
    """A session of a viewer of recordings: offered with a ticket, opened with a key. Of both only the SHA-256 is stored."""

    __tablename__ = "playback_sessions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "ticket_hash"),
        UniqueConstraint("tenant_id", "key_hash"),
        Index("ix_playback_sessions_ticket_hash", "ticket_hash"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID]
    range_from: Mapped[datetime]
    range_to: Mapped[datetime]
    user_id: Mapped[UUID]
    role: Mapped[str]
    login_id: Mapped[UUID]
    groups: Mapped[list[UUID] | None]
    purpose: Mapped[str | None]
    ticket_hash: Mapped[str]
    ticket_expires_at: Mapped[datetime]
    key_hash: Mapped[str | None]
    address: Mapped[str | None]
    opened_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    given_at: Mapped[datetime | None]
    """None where an earlier release made it."""
    told: Mapped[list[str]] = mapped_column(server_default="{}")
    """Refusals of its ticket that are on record."""
