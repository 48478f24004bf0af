"""Rows of channels, in the schema `alerts`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Integer, MetaData, Table, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.db import NAMING_CONVENTION

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

channels = Table(
    "channels",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("channel_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("sealed", JSONB, nullable=False),
    Column("min_severity", Text, nullable=False),
    Column("kinds", ARRAY(Text), nullable=False),
    Column("rate_per_minute", Integer, nullable=False),
    Column("quiet_hours", JSONB(none_as_null=True)),
    Column("template", JSONB(none_as_null=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("rotated_at", DateTime(timezone=True)),
    Column("trouble_since", DateTime(timezone=True)),
    Column("trouble_detail", Text),
    Column("last_delivered_at", DateTime(timezone=True)),
    UniqueConstraint("tenant_id", "name"),
)
"""`sealed`: secrets by name, each sealed by itself."""
