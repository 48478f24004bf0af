"""Rows of groups."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Table, Text, UniqueConstraint, Uuid

from cameras.schema import metadata

camera_group = Table(
    "camera_group",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("tenant_id", "name_key"),
)
