"""Rows of links that were used."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, MetaData, Table, Uuid

from chassis.db import NAMING_CONVENTION

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

used_links = Table(
    "used_links",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("delivery_id", Uuid, primary_key=True),
    Column("used_at", DateTime(timezone=True), nullable=False),
)
