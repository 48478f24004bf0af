"""Rows of alerts, of our copy of the cameras, and of events on their way, in the schema `alerts`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, MetaData, Table, Text, Uuid, false, func, text, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.db import NAMING_CONVENTION, inbox_table, outbox_table

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

cameras = Table(
    "cameras",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("groups", ARRAY(Uuid), nullable=False),
    Column("removed", Boolean, nullable=False),
    Column("told_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""`removed` marks a tombstone."""

alerts = Table(
    "alerts",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("alert_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    Column("camera_id", Uuid),
    Column("plate", Text),
    Column("watchlist_id", Uuid),
    Column("entry_id", Uuid),
    Column("detection_id", Uuid),
    Column("captured_at", DateTime(timezone=True)),
    Column("last_seen_at", DateTime(timezone=True)),
    Column("sightings", Integer, nullable=False),
    Column("evidence_key", Text),
    Column("reason", Text, nullable=False),
    Column("acknowledged_by", Uuid),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("subject", Text, nullable=False, server_default=""),
    Column("lasting", Boolean, nullable=False, server_default=false()),
    Column("camera_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("rule_id", Uuid),
    Column("is_possible", Boolean, nullable=False, server_default=false()),
    Column("alternatives", ARRAY(Text), nullable=False, server_default="{}"),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Column("resolved_by", Uuid),
    Column("resolved_at", DateTime(timezone=True)),
    Column("assigned_to", Uuid),
    Column("snoozed_until", DateTime(timezone=True)),
    Column("told", Boolean, nullable=False, server_default=true()),
    Column("comments", Integer, nullable=False, server_default="0"),
    Column("change", BigInteger, nullable=False, server_default="0"),
    Index(None, "tenant_id", "raised_at", "alert_id"),
    Index("ix_alerts_tenant_id_kind_subject_last_seen_at", "tenant_id", "kind", "subject", "last_seen_at"),
    Index("ix_alerts_tenant_id_change", "tenant_id", "change"),
    Index("ix_alerts_snoozed", "snoozed_until", postgresql_where=text("snoozed_until IS NOT NULL")),
    Index(None, "tenant_id", "entry_id", "camera_id", "last_seen_at"),
    Index(None, "tenant_id", "camera_id", "raised_at"),
    Index(None, "tenant_id", "plate", "raised_at"),
    # what is open is listed and counted from this index alone: by severity, and by what the caller's groups may see
    Index("ix_alerts_open", "tenant_id", "state", "raised_at", "alert_id", postgresql_include=["severity", "camera_id", "snoozed_until"]),
)

history = Table(
    "alert_history",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("alert_id", Uuid, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("what", Text, nullable=False),
    Column("user_id", Uuid),
    Column("text", Text, nullable=False),
)

changes = Table(
    "alert_changes",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("last", BigInteger, nullable=False),
)
"""One row a tenant: the number of the last change. It is locked from the first change of a transaction to its end, so changes are visible
in the order of their numbers."""

outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
