"""Rows of retention."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from city.trusted_time import trusted_time_table
from streaming.schema import Row

trusted_time = trusted_time_table(Row.metadata)


class HoldRow(Row):
    """A legal hold; never deleted."""

    __tablename__ = "holds"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID | None]
    since: Mapped[datetime]
    until: Mapped[datetime]
    reason: Mapped[str]
    placed_by: Mapped[UUID]
    placed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None]
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str | None]
