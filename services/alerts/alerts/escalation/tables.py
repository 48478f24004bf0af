"""Rows of policies, of groups on call, and of steps that are still to be taken."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.db import NAMING_CONVENTION

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

escalation_policies = Table(
    "escalation_policies",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("policy_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("order", Integer, nullable=False),
    Column("severities", ARRAY(Text), nullable=False),
    Column("kinds", ARRAY(Text), nullable=False),
    Column("watchlist_ids", ARRAY(Uuid), nullable=False),
    Column("rule_ids", ARRAY(Uuid), nullable=False),
    Column("steps", JSONB, nullable=False),
    Column("repeat_h", Integer),
)

on_call_groups = Table(
    "on_call_groups",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("group_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("members", JSONB, nullable=False),
    Column("rotation", JSONB, nullable=False),
    Column("overrides", JSONB, nullable=False),
)

escalations = Table(
    "escalations",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("alert_id", Uuid, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("policy_id", Uuid),
    Column("repeat_h", Integer),
    Index(None, "due_at"),
)
