"""Tables of the sample service, which only the chassis's tests use."""

from sqlalchemy import Boolean, Column, Date, DateTime, Integer, MetaData, Table, Text, Uuid

from chassis.db import NAMING_CONVENTION, inbox_table, outbox_table
from chassis.idempotency import idempotency_table

metadata = MetaData(schema="sample", naming_convention=NAMING_CONVENTION)
outbox_table(metadata)
inbox_table(metadata)
idempotency_table(metadata)
Table(
    "thing",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
)
Table(
    "camera",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("removed", Boolean, nullable=False),
    Column("announced_at", DateTime(timezone=True), key="told_at", nullable=False),
    Column("name", Text, nullable=False),
)
Table(
    "reading",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("captured_at", DateTime(timezone=True), primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("value", Integer, nullable=False),
    Column("day", Date),
    postgresql_partition_by="RANGE (captured_at)",
)
