"""Rows of watchlists and their plates, in the schema `alerts`."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, UniqueConstraint, Uuid

from chassis.db import NAMING_CONVENTION
from chassis.idempotency import idempotency_table

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

watchlists = Table(
    "watchlists",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("watchlist_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

entries = Table(
    "watchlist_entries",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
    Column("watchlist_id", Uuid, nullable=False),
    Column("plate", Text, nullable=False),
    Column("plate_key", Text, nullable=False),
    Column("match", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("valid_until", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("valid_from", DateTime(timezone=True)),
    UniqueConstraint("tenant_id", "watchlist_id", "plate"),  # the release before adds plates by it; it goes when that one is gone
    UniqueConstraint("tenant_id", "watchlist_id", "plate_key"),
    Index(None, "tenant_id", "plate_key"),
)
"""`plate_key` is the plate without its era (`gtvision.plate.key`)."""

idempotency_key = idempotency_table(metadata)
