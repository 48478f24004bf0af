"""API keys and signing keys."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gtvision.tenancy import Role
from identity.schema import metadata

_ROLES = ", ".join(f"'{role}'" for role in Role)
_AT = DateTime(timezone=True)

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
    Column("scopes", ARRAY(Text), nullable=True),
    Column("hint", Text, nullable=True),
    Column("expires_at", _AT, nullable=True),
    Column("created_by", Uuid, nullable=True),
    Column("last_used_at", _AT, nullable=True),
    Column("last_used_address", Text, nullable=True),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("private_sealed", Text, nullable=True),
    Column("public_jwk", JSONB, nullable=False),
    Column("created_at", _AT, nullable=False),
    Column("activates_at", _AT, nullable=False),
    Column("retires_at", _AT, nullable=True),
)
"""The installation's keys: they belong to no tenant. A retired one keeps its public half."""
