"""Rows of ingest. `detections` is partitioned by day of capture; every key begins with the tenant."""

from __future__ import annotations

from sqlalchemy import ARRAY, REAL, BigInteger, Boolean, CheckConstraint, Column, DateTime, Index, MetaData, Table, Text, Uuid
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
    postgresql_partition_by="RANGE (captured_at)",
)

known_cameras = Table(
    "known_cameras",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("removed", Boolean, nullable=False, comment="a tombstone: nothing older may bring the camera back"),
    # Not written any more: `told_at` says it. It goes when no release before this one can be running.
    Column("absent_since", DateTime(timezone=True), comment="removed because an announcement of that time did not list it"),
    Column("told_at", DateTime(timezone=True), nullable=False, comment="when the event that we follow occurred"),
    Column("enabled", Boolean, nullable=False),
    Column("groups", JSONB, nullable=False),
    Column("ai", JSONB, nullable=False),
)

known_streams = Table(
    "known_streams",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("camera_id", Uuid, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("read_url", Text, comment="without credentials; stays when the stream goes, so that order does not matter"),
    Column("url_revision", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("state IN ('online', 'degraded', 'offline')", name="state"),
)

outbox = outbox_table(metadata)
inbox = inbox_table(metadata)

__all__ = ["detections", "inbox", "known_cameras", "known_streams", "metadata", "outbox"]
