"""Rows of tombstones."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from streaming.schema import Row


class BuriedFileRow(Row):
    """A file whose tombstone is there and that is not deleted yet."""

    __tablename__ = "buried_files"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    segment_id: Mapped[UUID] = mapped_column(primary_key=True)


class TombstoneRow(Row):
    """What is left of deleted recordings."""

    __tablename__ = "tombstones"
    __table_args__ = (Index(None, "tenant_id", "camera_id", "started_at"),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    tombstone_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    segments: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    reason: Mapped[str]
    policy_value: Mapped[float]
    deleted_at: Mapped[datetime]
