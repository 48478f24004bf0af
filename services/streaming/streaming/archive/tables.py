"""Rows of the archive."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from streaming.schema import Row


class CopyRow(Row):
    """The off-site copy of a segment, with all of the segment's own row."""

    __tablename__ = "copies"
    __table_args__ = (
        Index("ix_copies_tenant_id_camera_id_started_at", "tenant_id", "camera_id", "started_at"),
        Index("ix_copies_pending", "tenant_id", "started_at", postgresql_where=text("state = 'pending'")),
        Index("ix_copies_restored", "tenant_id", "restored_until", postgresql_where=text("restored_until IS NOT NULL")),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    segment_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID]
    path: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    previous: Mapped[str]
    chain: Mapped[str]
    object_key: Mapped[str]
    storage_class: Mapped[str | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    attempts: Mapped[int]
    retry_at: Mapped[datetime | None]
    copied_at: Mapped[datetime | None]
    restore_requested_at: Mapped[datetime | None]
    restored_until: Mapped[datetime | None]


class RestoreRow(Row):
    """A range that is brought back, or was."""

    __tablename__ = "restores"
    __table_args__ = (
        Index("ix_restores_open", "tenant_id", "requested_at", postgresql_where=text("state IN ('queued', 'waiting', 'running')")),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    restore_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID]
    since: Mapped[datetime]
    until: Mapped[datetime]
    requested_by: Mapped[UUID]
    requested_at: Mapped[datetime]
    keep_until: Mapped[datetime]
    state: Mapped[str]
    total: Mapped[int]
    done: Mapped[int]
    missing: Mapped[int]
    reason: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    look_at: Mapped[datetime | None]
