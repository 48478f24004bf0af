"""Rows of planned work and holidays, in the schema `alerts`."""

from __future__ import annotations

from sqlalchemy import Column, Date, DateTime, Index, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.db import NAMING_CONVENTION

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

windows = Table(
    "maintenance_windows",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("window_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("camera_ids", ARRAY(Uuid), nullable=False),
    Column("group_ids", ARRAY(Uuid), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index(None, "tenant_id", "ends_at"),
)

holidays = Table(
    "holidays",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("name", Text, nullable=False),
)
