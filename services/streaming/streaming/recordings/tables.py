"""Rows of recordings."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from streaming.schema import Row


class ChainRow(Row):
    """The head of a camera's recording chain; locked while a segment is added."""

    __tablename__ = "chains"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_link: Mapped[str]


class SegmentRow(Row):
    """A recorded file. Partitioned by day of `started_at`."""

    __tablename__ = "segments"
    __table_args__ = (
        Index("ix_segments_spans", "tenant_id", "camera_id", "started_at", postgresql_include=["ended_at"]),
        {"postgresql_partition_by": "RANGE (started_at)"},
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    segment_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID]
    path: Mapped[str]
    ended_at: Mapped[datetime]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    previous: Mapped[str]
    chain: Mapped[str]
    parts: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """See `streaming.recordings.parts`; empty where the file has none, None where it was indexed before there were any."""


class UsageRow(Row):
    """What a camera's recordings take; written by the recorder agent."""

    __tablename__ = "recording_usage"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID] = mapped_column(primary_key=True)
    bytes_used: Mapped[int] = mapped_column(BigInteger)
    bytes_per_day: Mapped[int | None] = mapped_column(BigInteger)
    oldest: Mapped[datetime]
    newest: Mapped[datetime]
    is_growing: Mapped[bool]
    days_kept: Mapped[float | None]


class RoomRow(Row):
    """What room the recorder agent found on its disk; the same in the row of every tenant that it records for."""

    __tablename__ = "recording_room"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    total_bytes: Mapped[int] = mapped_column(BigInteger)
    free_bytes: Mapped[int] = mapped_column(BigInteger)
    days_left: Mapped[float | None]
    held_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    full_of_held: Mapped[bool] = mapped_column(server_default="false")
    floor_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    as_of: Mapped[datetime]
