"""Rows of tombstones."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, MetaData, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.db import NAMING_CONVENTION


class Row(DeclarativeBase):
    """Base of every row here."""

    metadata = MetaData(schema="streaming", naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own name for it
        datetime: DateTime(timezone=True),
        UUID: UuidType(),
        str: Text,
    }


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
