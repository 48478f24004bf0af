"""Tenants, people, keys and sessions."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKeyConstraint, Index, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.db import outbox_table
from gtvision.tenancy import Role
from identity.tables.schema import metadata

_ROLES = ", ".join(f"'{role}'" for role in Role)
_AT = DateTime(timezone=True)

tenant = Table(
    "tenant",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("revision", Integer, nullable=False),
    Column("created_at", _AT, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("role", Text, CheckConstraint(f"role IN ({_ROLES})", name="role"), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("camera_groups", ARRAY(Uuid), nullable=True),
    Column("created_at", _AT, nullable=False),
    Column("disabled_at", _AT, nullable=True),
)

login_name = Table(
    "login_name",
    metadata,
    Column("email_key", Text, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
)
"""One address, one account, whatever the tenant. The service's role cannot read it: only the functions that look one name up can."""

api_key = Table(
    "api_key",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, CheckConstraint(f"role IN ({_ROLES})", name="role"), nullable=False),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("camera_groups", ARRAY(Uuid), nullable=True),
    Column("created_at", _AT, nullable=False),
    Column("revoked_at", _AT, nullable=True),
)

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

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("private_sealed", Text, nullable=False),
    Column("public_jwk", JSONB, nullable=False),
    Column("created_at", _AT, nullable=False),
)
"""The installation's keys: they belong to no tenant."""

outbox = outbox_table(metadata)
