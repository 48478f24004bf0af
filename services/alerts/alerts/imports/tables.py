"""Rows of imports, in the schema `alerts`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, ForeignKeyConstraint, Index, Integer, LargeBinary, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db import NAMING_CONVENTION

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

imports = Table(
    "watchlist_imports",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("import_id", Uuid, primary_key=True),
    Column("watchlist_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("on_error", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", Uuid, nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("lines", Integer, nullable=False),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("added", Integer, nullable=False, server_default="0"),
    Column("changed", Integer, nullable=False, server_default="0"),
    Column("unchanged", Integer, nullable=False, server_default="0"),
    Column("invalid", Integer, nullable=False, server_default="0"),
    Column("errors", JSONB, nullable=False, server_default="[]"),
    Column("file", LargeBinary),
    Column("audit", JSONB, nullable=False),
    Column("lease_id", Uuid),
    Column("lease_until", DateTime(timezone=True)),
    ForeignKeyConstraint(
        ["tenant_id", "watchlist_id"],
        ["alerts.watchlists.tenant_id", "alerts.watchlists.watchlist_id"],
        ondelete="CASCADE",
        name="fk_watchlist_imports_tenant_id_watchlist_id_watchlists",
    ),
    Index(None, "tenant_id", "watchlist_id"),
    Index(None, "created_at", postgresql_where=text("finished_at IS NULL")),
)
"""`file` is kept until the import ends, `audit` is the record of it without the counts. An import goes with its list."""
