"""Rows of layouts."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from cameras.schema import metadata

_AT = DateTime(timezone=True)

layout = Table(
    "layout",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("tiles", Integer, nullable=False),
    Column("cameras", ARRAY(Uuid), nullable=False),
    Column("patrol_s", Integer, nullable=True),
    Column("created_at", _AT, nullable=False),
    Column("updated_at", _AT, nullable=False),
)
"""An element of `cameras` may be null."""
