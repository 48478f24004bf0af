"""Rows of cameras."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from cameras.schema import metadata
from gtvision.camera import CameraState

_AT = DateTime(timezone=True)
_STATES = ", ".join(f"'{state}'" for state in CameraState)

camera = Table(
    "camera",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("external_id", Text, nullable=True),
    Column("url_sealed", Text, nullable=False),
    Column("url_shown", Text, nullable=False),
    Column("groups", ARRAY(Uuid), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("recording", JSONB, nullable=False),
    Column("ai", JSONB, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", _AT, nullable=False),
    Column("updated_at", _AT, nullable=False),
    Column("removed_at", _AT, nullable=True),
    Column("state", Text, CheckConstraint(f"state IN ({_STATES})", name="state"), nullable=False),
    Column("state_since", _AT, nullable=True),
    Column("state_cause", Text, nullable=True),
    Column("stream_revision", Integer, nullable=False),
    Index("uq_camera_external_id", "tenant_id", "external_id", unique=True, postgresql_where=text("removed_at IS NULL")),
)
"""A removed camera stays as a tombstone: its revision outlives it, its address does not."""
