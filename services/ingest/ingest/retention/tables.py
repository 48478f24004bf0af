"""Rows of the holds that streaming announced, and of the time that is trusted."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, MetaData, Table, Uuid

from chassis.db import NAMING_CONVENTION
from city.trusted_time import trusted_time_table

metadata = MetaData(schema="ingest", naming_convention=NAMING_CONVENTION)

trusted_time = trusted_time_table(metadata)
known_holds = Table(
    "known_holds",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("hold_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, comment="null: every camera"),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("lifted_at", DateTime(timezone=True), comment="stays once it is known, so that the order of events does not matter"),
)
