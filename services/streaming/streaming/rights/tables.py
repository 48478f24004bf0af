"""Rows of rights."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from streaming.schema import Row


class EndedRightsRow(Row):
    """What a login, or a user or API key (`subject_id`), was given before `ended_at` counts no more."""

    __tablename__ = "ended_rights"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime]
