"""The ledger: entries and anchors, which nobody changes; its heads, and copies that are still to be made.

Entries and anchors are partitioned by month. `append_only_table` guards them, the locked head row gives the numbers.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, SmallInteger, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db import inbox_table
from identity.schema import metadata

_AT = DateTime(timezone=True)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("recorded_at", _AT, primary_key=True, comment="never goes back within a tenant"),
    Column("version", SmallInteger, nullable=False, comment="of the canonical form"),
    Column("event_id", Uuid, nullable=False),
    Column("occurred_at", _AT, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("actor_id", Uuid),
    Column("actor_name", Text, comment="as it was when the entry was made"),
    Column("actor_role", Text),
    Column("session_id", Uuid),
    Column("object_kind", Text),
    Column("object_id", Text),
    Column("camera_id", Uuid),
    Column("purpose", Text),
    Column("range_from", _AT),
    Column("range_to", _AT),
    Column("address", Text),
    Column("user_agent", Text),
    Column("service", Text),
    Column("correlation_id", Uuid, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("mac", Text, nullable=False),
    Column("mac_kid", Text, nullable=False),
    Index("ix_audit_entry_occurred_at", "tenant_id", "occurred_at", "seq"),
    Index("ix_audit_entry_action", "tenant_id", "action", "occurred_at"),
    Index("ix_audit_entry_actor", "tenant_id", "actor_id", "occurred_at"),
    Index("ix_audit_entry_camera", "tenant_id", "camera_id", "occurred_at"),
    Index("ix_audit_entry_object", "tenant_id", "object_id", "occurred_at"),
    Index("ix_audit_entry_correlation", "tenant_id", "correlation_id"),
    postgresql_partition_by="RANGE (recorded_at)",
)

audit_anchor = Table(
    "audit_anchor",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, CheckConstraint("kind IN ('seal', 'cut')", name="kind"), primary_key=True),
    Column("anchored_at", _AT, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("kid", Text, nullable=False),
    Column("signature", Text, nullable=False),
    postgresql_partition_by="RANGE (anchored_at)",
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("recorded_at", _AT, nullable=False),
)
"""The last entry of each tenant. Whoever adds one locks this row first: without it the chain would fork."""

audit_copy_owed = Table(
    "audit_copy_owed",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("anchored_at", _AT, primary_key=True),
)
"""Anchors that object storage does not have yet."""

inbox = inbox_table(metadata)
