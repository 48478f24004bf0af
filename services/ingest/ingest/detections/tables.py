"""Rows of detections, partitioned by day of capture; every key begins with the tenant."""

from __future__ import annotations

from sqlalchemy import ARRAY, REAL, BigInteger, CheckConstraint, Column, DateTime, Index, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db import NAMING_CONVENTION, inbox_table, outbox_table
from gtvision.camera import ObjectClass

metadata = MetaData(schema="ingest", naming_convention=NAMING_CONVENTION)

_classes = ", ".join(f"'{each}'" for each in sorted(ObjectClass))

detections = Table(
    "detections",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("captured_at", DateTime(timezone=True), primary_key=True),
    Column("detection_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, nullable=False),
    Column("arrived_at", DateTime(timezone=True), nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
    Column("object_class", Text, nullable=False),
    Column("confidence", REAL, nullable=False),
    Column("box", ARRAY(REAL), nullable=False, comment="normalised xyxy"),
    Column("plate", Text, comment="as read, A-Z and 0-9"),
    Column("plate_key", Text, comment="era-neutral"),
    Column("plate_confusion_key", Text, comment="confusable characters collapsed; finds candidates"),
    Column("plate_confidence", REAL),
    Column("plate_box", ARRAY(REAL)),
    Column("plate_alternates", JSONB, comment="[[text, confidence], ...], best first"),
    Column("evidence_key", Text),
    Column("evidence_sha256", Text),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("clock_skew_ms", BigInteger, comment="what the clock was off by, where capture time is arrival time"),
    CheckConstraint(f"object_class IN ({_classes})", name="object_class"),
    Index("ix_detections_camera", "tenant_id", "camera_id", "captured_at"),
    Index("ix_detections_plate", "tenant_id", "plate", "captured_at"),
    Index("ix_detections_plate_key", "tenant_id", "plate_key", "captured_at"),
    # reads of a camera, and plates by the hour, without the many rows that have no plate
    Index("ix_detections_reads", "tenant_id", "camera_id", "captured_at", postgresql_where=text("plate IS NOT NULL")),
    postgresql_partition_by="RANGE (captured_at)",
)

outbox = outbox_table(metadata)

inbox = inbox_table(metadata)
