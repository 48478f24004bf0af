"""Rows of what ingest knows of cameras and streams; every key begins with the tenant."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db import NAMING_CONVENTION

metadata = MetaData(schema="ingest", naming_convention=NAMING_CONVENTION)

known_cameras = Table(
    "known_cameras",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("removed", Boolean, nullable=False, comment="a tombstone: nothing older may bring the camera back"),
    # Not written any more: `told_at` says it. It goes when no release before this one can be running.
    Column("absent_since", DateTime(timezone=True), comment="removed because an announcement of that time did not list it"),
    Column("told_at", DateTime(timezone=True), nullable=False, comment="when the event that we follow occurred"),
    Column("enabled", Boolean, nullable=False),
    Column("groups", JSONB, nullable=False),
    Column("ai", JSONB, nullable=False),
)

known_streams = Table(
    "known_streams",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("read_url", Text, comment="without credentials; stays when the stream goes, so that order does not matter"),
    Column("url_revision", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("state IN ('online', 'degraded', 'offline')", name="state"),
)
