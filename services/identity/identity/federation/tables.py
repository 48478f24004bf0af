"""Outside identities."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Index, Table, Text, UniqueConstraint, Uuid

from identity.schema import metadata

external_identity = Table(
    "external_identity",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("provider", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("issuer", "subject"),
    ForeignKeyConstraint(["tenant_id", "account_id"], ["identity.account.tenant_id", "identity.account.id"], ondelete="CASCADE"),
    Index(None, "tenant_id", "account_id"),
)
"""One subject of one issuer is one account of one tenant."""
