"""Rows of cameras and streams, and the service's outbox, inbox and keys of creations."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import inbox_table, outbox_table
from chassis.idempotency import idempotency_table
from streaming.schema import Row

outbox = outbox_table(Row.metadata)


inbox = inbox_table(Row.metadata)


idempotency_key = idempotency_table(Row.metadata)


class CameraRow(Row):
    """A camera as `cameras` announced it last; `removed` is its tombstone."""

    __tablename__ = "cameras"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int]
    name: Mapped[str]
    enabled: Mapped[bool]
    removed: Mapped[bool]
    url_encrypted: Mapped[str]
    groups: Mapped[list[UUID]]
    recording: Mapped[dict[str, Any]]
    told_at: Mapped[datetime] = mapped_column("announced_at", key="told_at")
    known_since: Mapped[datetime | None] = mapped_column(server_default=func.now())


class StreamRow(Row):
    """What a camera's stream is doing."""

    __tablename__ = "streams"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    cause: Mapped[str | None]
    since: Mapped[datetime]
    revision: Mapped[int]
    codecs: Mapped[list[str]]
