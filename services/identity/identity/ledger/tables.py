"""The ledger: entries and anchors, which are only added; its heads, and copies that are still to be made.

Entries and anchors are partitioned by month. `append_only_table` guards them, the locked head row gives the numbers.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, SmallInteger, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db import inbox_table
from identity.ledger.domain.entries import BINDING, TEXTS
from identity.schema import metadata

_AT = DateTime(timezone=True)
_INDEXED = {
    "occurred_at": ("occurred_at", "seq"),
    "action": ("action", "occurred_at"),
    "actor": ("actor_id", "occurred_at"),
    "camera": ("camera_id", "occurred_at"),
    "object": ("object_id", "occurred_at"),
    "correlation": ("correlation_id",),
}

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("recorded_at", _AT, primary_key=True, comment="never goes back within a tenant"),
    Column("version", SmallInteger, nullable=False, comment="of the canonical form"),
    Column("occurred_at", _AT, nullable=False),
    Column("actor_name", Text, comment="as it was when the entry was made"),
    Column("details", JSONB, nullable=False),
    *(Column(name, Uuid, nullable=False) for name in ("event_id", "correlation_id")),
    *(Column(name, Text, nullable=False) for name in ("action", "outcome", *BINDING)),
    *(Column(name, Uuid) for name in ("actor_id", "session_id", "camera_id")),
    *(Column(name, Text) for name in TEXTS),
    *(Column(name, _AT) for name in ("range_from", "range_to")),
    *(Index(f"ix_audit_entry_{name}", "tenant_id", *columns) for name, columns in _INDEXED.items()),
    postgresql_partition_by="RANGE (recorded_at)",
)

audit_anchor = Table(
    "audit_anchor",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, CheckConstraint("kind IN ('seal', 'cut')", name="kind"), primary_key=True),
    Column("anchored_at", _AT, primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("hash", "kid", "signature")),
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
"""The last entry of each tenant. A transaction that adds one locks this row first: without it the chain would fork."""

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
