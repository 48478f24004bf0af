"""Rows of conditions, in the schema `alerts`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.db import NAMING_CONVENTION

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

camera_conditions = Table(
    "camera_conditions",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("is_lost", Boolean, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("cause", Text),
    Column("losses", ARRAY(DateTime(timezone=True)), nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("subject", Text),
    Column("muted_until", DateTime(timezone=True)),
    Index("ix_camera_conditions_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)

outages = Table(
    "camera_outages",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("camera_ids", ARRAY(Uuid), nullable=False),
    Column("grown_at", DateTime(timezone=True), nullable=False),
    Column("muted_until", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
)

recording_conditions = Table(
    "recording_conditions",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("is_stopped", Boolean, nullable=False),
    Column("is_disk", Boolean, nullable=False),
)

marks = Table(
    "condition_marks",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""When the newest event about a condition without a revision occurred: an older one that comes later changes nothing."""
