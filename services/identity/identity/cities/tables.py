"""City halls."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from identity.schema import metadata

_AT = DateTime(timezone=True)

tenant = Table(
    "tenant",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("revision", Integer, nullable=False),
    Column("created_at", _AT, nullable=False),
    Column("settings", JSONB, nullable=False, server_default="{}"),
    Column("ceiling", JSONB, nullable=False, server_default="{}"),
    Column("suspended_at", _AT, nullable=True),
    Column("deletes_at", _AT, nullable=True),
    Column("deleted_at", _AT, nullable=True),
)
