"""Rows of messages on their way, of the tries to send them, and of the pace of each channel."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Double, Index, Integer, MetaData, Table, Text, Uuid, text

from chassis.db import NAMING_CONVENTION

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

deliveries = Table(
    "deliveries",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("delivery_id", Uuid, primary_key=True),
    Column("channel_id", Uuid, nullable=False),
    Column("to", Text, nullable=False),
    Column("alert_id", Uuid),
    Column("notice", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("next_try_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("last_answer", Text, nullable=False),
    Column("external_id", Text),
    Column("digest_id", Uuid),
    Column("delivered_at", DateTime(timezone=True)),
    Index(None, "tenant_id", "created_at", "delivery_id"),
    Index(None, "tenant_id", "alert_id"),
    Index(None, "tenant_id", "digest_id", postgresql_where=text("digest_id IS NOT NULL")),
    # what is still to be sent, of every tenant: few rows
    Index("ix_deliveries_pending", "tenant_id", "channel_id", "next_try_at", postgresql_where=text("state IN ('waiting', 'held')")),
)

delivery_tries = Table(
    "delivery_tries",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("delivery_id", Uuid, primary_key=True),
    Column("try_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("took_ms", Integer, nullable=False),
)

channel_paces = Table(
    "channel_paces",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("channel_id", Uuid, primary_key=True),
    Column("tokens", Double, nullable=False),
    Column("refilled_at", DateTime(timezone=True), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("closed_until", DateTime(timezone=True)),
    Column("failing_since", DateTime(timezone=True)),
    Column("refused_at", DateTime(timezone=True)),
    Column("trouble_told", Boolean, nullable=False),
    Column("trouble_detail", Text, nullable=False),
)
