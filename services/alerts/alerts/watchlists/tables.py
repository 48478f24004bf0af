"""Rows of watchlists and their plates, in the schema `alerts`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Computed, DateTime, Index, MetaData, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("channel_ids", ARRAY(Uuid)),
    Column("legal_basis", Text, nullable=False, server_default=""),
    Column("description", Text, nullable=False, server_default=""),
    UniqueConstraint("tenant_id", "name"),
)

_similar = text("is_similar")
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
    Column("is_similar", Boolean, nullable=False, server_default=text("false")),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("legal_basis", Text, nullable=False, server_default=""),
    Column("priority", Text),
    Column("hours", JSONB(none_as_null=True)),
    Column("camera_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("group_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("part_a", Text, Computed("substr(plate_key, 3)", persisted=True)),
    Column("part_b", Text, Computed("substr(plate_key, 1, 2) || substr(plate_key, 5)", persisted=True)),
    Column("part_c", Text, Computed("substr(plate_key, 1, 4)", persisted=True)),
    UniqueConstraint("tenant_id", "watchlist_id", "plate"),  # the release before adds plates by it; it goes when that one is gone
    UniqueConstraint("tenant_id", "watchlist_id", "plate_key"),
    Index(None, "tenant_id", "plate_key"),
    Index(None, "tenant_id", "part_a", postgresql_where=_similar),
    Index(None, "tenant_id", "part_b", postgresql_where=_similar),
    Index(None, "tenant_id", "part_c", postgresql_where=_similar),
)
"""`plate_key` is the plate without its era (`gtvision.plate.key`), `part_a` to `part_c` are its parts (`gtvision.plate.parts`).

`is_similar` says that the match is `similar`; `match` is then `era`, which is what the release before makes of it.
"""

idempotency_key = idempotency_table(metadata)
