"""Rows of alerts, of our copy of the cameras, and of events on their way, in the schema `alerts`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, MetaData, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY

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
    Index(None, "tenant_id", "raised_at", "alert_id"),
    Index(None, "tenant_id", "entry_id", "camera_id", "last_seen_at"),
    Index(None, "tenant_id", "camera_id", "raised_at"),
    Index(None, "tenant_id", "plate", "raised_at"),
    # what is open is listed and counted from this index alone: by severity, and by what the caller's groups may see
    Index(None, "tenant_id", "state", "raised_at", "alert_id", postgresql_include=["severity", "camera_id"]),
)

outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
