"""Rows of retention."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from streaming.schema import Row


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
