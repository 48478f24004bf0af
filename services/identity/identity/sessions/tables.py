"""Sessions and their refresh tokens."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKeyConstraint, Index, Table, Text, Uuid

from identity.schema import metadata

_AT = DateTime(timezone=True)

session = Table(
    "session",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("subject_id", Uuid, nullable=False),
    Column("subject_kind", Text, CheckConstraint("subject_kind IN ('user', 'api_key')", name="subject_kind"), nullable=False),
    Column("created_at", _AT, nullable=False),
    Column("expires_at", _AT, nullable=False),
    Column("revoked_until", _AT, nullable=True),
    Column("client", Text, CheckConstraint("client IN ('browser', 'mobile', 'api')", name="client"), nullable=False, server_default="api"),
    Column("device", Text, nullable=True),
    Column("address", Text, nullable=True),
    Column("last_used_at", _AT, nullable=True),
    Column("end_reason", Text, nullable=True),
    Index(None, "tenant_id", "subject_id"),
    Index(None, "expires_at"),
    Index("ix_session_revoked", "revoked_until", postgresql_where="revoked_until IS NOT NULL"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("token_hash", Text, primary_key=True),
    Column("session_id", Uuid, nullable=False),
    Column("expires_at", _AT, nullable=False),
    Column("used_at", _AT, nullable=True),
    ForeignKeyConstraint(["tenant_id", "session_id"], ["identity.session.tenant_id", "identity.session.id"], ondelete="CASCADE"),
    Index(None, "tenant_id", "session_id"),
)
