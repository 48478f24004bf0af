"""Cameras as announced, stream states, and the recording index partitioned by day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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


def upgrade() -> None:
    create_schema_and_grants()
    create_outbox()
    create_inbox()
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "cameras",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False),
        sa.Column("url_encrypted", sa.Text, nullable=False),
        sa.Column("groups", ARRAY(sa.Uuid), nullable=False),
        sa.Column("recording", JSONB, nullable=False),
        sa.Column("announced_at", instant, nullable=False),
    )
    op.create_table(
        "streams",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("since", instant, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("codecs", ARRAY(sa.Text), nullable=False),
    )
    op.create_table(
        "chains",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, primary_key=True),
        sa.Column("last_link", sa.Text, nullable=False),
    )
    op.create_table(
        "segments",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("started_at", instant, primary_key=True),
        sa.Column("segment_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("ended_at", instant, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        postgresql_partition_by="RANGE (started_at)",
    )
    op.create_index("ix_segments_tenant_id_camera_id_started_at", "segments", ["tenant_id", "camera_id", "started_at"])
    for table in ("cameras", "streams", "chains", "segments"):
        tenant_table(table)
    create_partition_functions("segments")
    # A node's jobs work for every tenant; the service's role sees one tenant at a time.
    definer_function("fleet_cameras()", "SETOF cameras", "SELECT * FROM cameras")
    definer_function("fleet_streams()", "SETOF streams", "SELECT * FROM streams")
    definer_function(
        "fleet_segments(since timestamptz)",
        "TABLE (path text, size_bytes bigint)",
        "SELECT s.path, s.size_bytes FROM segments s WHERE s.started_at >= since",
    )
