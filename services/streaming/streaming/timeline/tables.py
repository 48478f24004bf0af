"""Rows of what explains the recordings of a camera."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from streaming.schema import Row


class InterruptionRow(Row):
    """A time in which nothing of a camera could be recorded, and why; without an end while it lasts."""

    __tablename__ = "interruptions"
    __table_args__ = (
        Index("ix_interruptions_open", "tenant_id", "camera_id", "source", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    interruption_id: Mapped[UUID] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime | None]
    cause: Mapped[str]
    detail: Mapped[str]
    source: Mapped[str]


class OpenFileRow(Row):
    """The file of a camera that is being written, as the recorder agent saw it last."""

    __tablename__ = "open_files"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID] = mapped_column(primary_key=True)
    path: Mapped[str]
    started_at: Mapped[datetime]
    written_at: Mapped[datetime]


class WatchRow(Row):
    """A time in which a node's streams were watched without a break; `stopped`: it ended on purpose. It belongs to the node."""

    __tablename__ = "watches"

    node: Mapped[str] = mapped_column(primary_key=True)
    watched_from: Mapped[datetime] = mapped_column(primary_key=True)
    watched_until: Mapped[datetime]
    stopped: Mapped[bool] = mapped_column(server_default="false")
