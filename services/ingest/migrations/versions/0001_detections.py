"""Detections in daily partitions, and what ingest knows of cameras and streams."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis.migrations import (
    create_inbox,
    create_outbox,
    create_partition_functions,
    create_schema_and_grants,
    definer_function,
    tenant_table,
)

revision = "0001"
down_revision = None

_CLASSES = "'bus', 'car', 'motorcycle', 'person', 'plate', 'truck', 'vehicle'"


def upgrade() -> None:
    create_schema_and_grants()
    create_outbox()
    create_inbox()
    _detections()
    _known_cameras()
    _known_streams()
    definer_function(
        "living_cameras()",
        "TABLE (tenant_id uuid, camera_id uuid, revision bigint, enabled boolean, groups jsonb, ai jsonb, state text, read_url text)",
        """
        SELECT c.tenant_id, c.camera_id, c.revision, c.enabled, c.groups, c.ai, s.state, s.read_url
        FROM known_cameras c LEFT JOIN known_streams s USING (tenant_id, camera_id)
        WHERE NOT c.removed
        """,
    )


def _detections() -> None:
    op.create_table(
        "detections",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detection_id", sa.Uuid, nullable=False),
        sa.Column("camera_id", sa.Uuid, nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("object_class", sa.Text, nullable=False),
        sa.Column("confidence", sa.REAL, nullable=False),
        sa.Column("box", sa.ARRAY(sa.REAL), nullable=False, comment="normalised xyxy"),
        sa.Column("plate", sa.Text, comment="as read, A-Z and 0-9"),
        sa.Column("plate_key", sa.Text, comment="era-neutral"),
        sa.Column("plate_confusion_key", sa.Text, comment="confusable characters collapsed; finds candidates"),
        sa.Column("plate_confidence", sa.REAL),
        sa.Column("plate_box", sa.ARRAY(sa.REAL)),
        sa.Column("plate_alternates", JSONB, comment="[[text, confidence], ...], best first"),
        sa.Column("evidence_key", sa.Text),
        sa.Column("evidence_sha256", sa.Text),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("clock_skew_ms", sa.BigInteger, comment="what the clock was off by, where capture time is arrival time"),
        sa.PrimaryKeyConstraint("tenant_id", "captured_at", "detection_id", name="pk_detections"),
        sa.CheckConstraint(f"object_class IN ({_CLASSES})", name="ck_detections_object_class"),
        postgresql_partition_by="RANGE (captured_at)",
    )
    op.create_index("ix_detections_camera", "detections", ["tenant_id", "camera_id", "captured_at"])
    op.create_index("ix_detections_plate", "detections", ["tenant_id", "plate", "captured_at"])
    op.create_index("ix_detections_plate_key", "detections", ["tenant_id", "plate_key", "captured_at"])
    tenant_table("detections")
    create_partition_functions("detections")


def _known_cameras() -> None:
    op.create_table(
        "known_cameras",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("camera_id", sa.Uuid, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False, comment="a tombstone: nothing older may bring the camera back"),
        sa.Column("absent_since", sa.DateTime(timezone=True), comment="removed because an announcement of that time did not list it"),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False, comment="when the event that we follow occurred"),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("groups", JSONB, nullable=False),
        sa.Column("ai", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "camera_id", name="pk_known_cameras"),
    )
    tenant_table("known_cameras")


def _known_streams() -> None:
    op.create_table(
        "known_streams",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("camera_id", sa.Uuid, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("read_url", sa.Text, comment="without credentials; stays when the stream goes, so that order does not matter"),
        sa.Column("url_revision", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("tenant_id", "camera_id", name="pk_known_streams"),
        sa.CheckConstraint("state IN ('online', 'degraded', 'offline')", name="ck_known_streams_state"),
    )
    tenant_table("known_streams")
