"""Recovery codes of second factors."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Table, Text, Uuid

from identity.schema import metadata

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("account_id", Uuid, primary_key=True),
    Column("code_hash", Text, primary_key=True),
    Column("used_at", DateTime(timezone=True), nullable=True),
    ForeignKeyConstraint(["tenant_id", "account_id"], ["identity.account.tenant_id", "identity.account.id"], ondelete="CASCADE"),
)
