"""Rows of rules and their versions, in the schema `alerts`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Integer, MetaData, Table, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.db import NAMING_CONVENTION

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

rules = Table(
    "rules",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("rule_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("severity", Text, nullable=False),
    Column("condition", JSONB, nullable=False),
    Column("cooldown_s", Integer, nullable=False),
    Column("channel_ids", ARRAY(Uuid)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

rule_versions = Table(
    "rule_versions",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("rule_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("severity", Text, nullable=False),
    Column("condition", JSONB, nullable=False),
    Column("cooldown_s", Integer, nullable=False),
    Column("channel_ids", ARRAY(Uuid)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_by", Uuid, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
"""Every version, also the one that holds."""
