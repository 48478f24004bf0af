"""Signing keys."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from identity.schema import metadata

_AT = DateTime(timezone=True)

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
