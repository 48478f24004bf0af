"""Rows of clips."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from streaming.schema import Row


class ClipRow(Row):
    """A clip. Its worker holds it until `lease_until`; one that waits is not taken before that."""

    __tablename__ = "clips"
    __table_args__ = (
        Index(None, "tenant_id", "created_at", "clip_id"),
        Index("ix_clips_waiting", "created_at", postgresql_where=text("state IN ('queued', 'running')")),
        Index("ix_clips_kept", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    clip_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID]
    since: Mapped[datetime]
    until: Mapped[datetime]
    name: Mapped[str]
    requested_by: Mapped[UUID]
    role: Mapped[str]
    session_id: Mapped[UUID]
    purpose: Mapped[str | None]
    state: Mapped[str]
    progress: Mapped[float]
    estimated_bytes: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int]
    fence: Mapped[int]
    lease_until: Mapped[datetime | None]
    object_key: Mapped[str | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    reason: Mapped[str | None]
    manifest: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
