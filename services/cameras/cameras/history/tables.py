"""Rows of changes of state."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Table, Text, Uuid

from cameras.schema import metadata
from gtvision.camera import CameraState

_STATES = ", ".join(f"'{state}'" for state in CameraState)

state_change = Table(
    "state_change",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("state", Text, CheckConstraint(f"state IN ({_STATES})", name="state"), nullable=False),
    Column("cause", Text, nullable=True),
)
