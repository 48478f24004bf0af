"""Rows of web push, in the schema `alerts`."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.db import NAMING_CONVENTION

metadata = MetaData(schema="alerts", naming_convention=NAMING_CONVENTION)

push_keys = Table(
    "push_keys",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("public", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
"""The pair of keys with which a city names itself to the browsers' push services."""

push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("endpoint", Text, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("p256dh", Text, nullable=False),
    Column("auth", Text, nullable=False),
    Column("groups", ARRAY(Uuid)),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
