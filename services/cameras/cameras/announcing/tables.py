"""Rows of leases."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Table, Text, Uuid

from cameras.schema import metadata

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Uuid, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)
"""What one replica does at a time. Belongs to no tenant."""
