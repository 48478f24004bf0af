"""Rows of the schema `alerts`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Integer, MetaData, Text, UniqueConstraint, func
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.db import NAMING_CONVENTION, inbox_table, outbox_table
from chassis.idempotency import idempotency_table

SCHEMA = "alerts"


class Row(DeclarativeBase):
    """Base of every row here."""

    metadata = MetaData(schema=SCHEMA, naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own name for it
        datetime: DateTime(timezone=True),
        UUID: UuidType(),
        str: Text,
        int: Integer,
        list[UUID]: ARRAY(UuidType()),
    }


outbox = outbox_table(Row.metadata)
inbox = inbox_table(Row.metadata)
idempotency_key = idempotency_table(Row.metadata)


class CameraRow(Row):
    """Our copy of a camera; `removed` is its tombstone."""

    __tablename__ = "cameras"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int]
    name: Mapped[str]
    groups: Mapped[list[UUID]]
    removed: Mapped[bool]
    told_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WatchlistRow(Row):
    """A named list of plates."""

    __tablename__ = "watchlists"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    watchlist_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    severity: Mapped[str]
    created_at: Mapped[datetime]


class EntryRow(Row):
    """A plate on a list. `plate_key` is era-neutral."""

    __tablename__ = "watchlist_entries"
    __table_args__ = (UniqueConstraint("tenant_id", "watchlist_id", "plate"), Index(None, "tenant_id", "plate_key"))

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    watchlist_id: Mapped[UUID]
    plate: Mapped[str]
    plate_key: Mapped[str]
    match: Mapped[str]
    reason: Mapped[str]
    valid_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class AlertRow(Row):
    """An alert and who has seen it."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(None, "tenant_id", "raised_at", "alert_id"),
        Index(None, "tenant_id", "entry_id", "camera_id", "last_seen_at"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    severity: Mapped[str]
    title: Mapped[str]
    state: Mapped[str]
    raised_at: Mapped[datetime]
    camera_id: Mapped[UUID | None]
    plate: Mapped[str | None]
    watchlist_id: Mapped[UUID | None]
    entry_id: Mapped[UUID | None]
    detection_id: Mapped[UUID | None]
    captured_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    sightings: Mapped[int]
    evidence_key: Mapped[str | None]
    reason: Mapped[str]
    acknowledged_by: Mapped[UUID | None]
    acknowledged_at: Mapped[datetime | None]
