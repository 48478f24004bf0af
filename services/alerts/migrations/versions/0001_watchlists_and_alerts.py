"""Watchlists, alerts, and our copy of the cameras."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.migrations import create_inbox, create_outbox, create_schema_and_grants, tenant_table

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
        sa.Column("groups", ARRAY(sa.Uuid), nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "watchlists",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("watchlist_id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.UniqueConstraint("tenant_id", "name"),
    )
    op.create_table(
        "watchlist_entries",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("entry_id", sa.Uuid, primary_key=True),
        sa.Column("watchlist_id", sa.Uuid, nullable=False),
        sa.Column("plate", sa.Text, nullable=False),
        sa.Column("plate_key", sa.Text, nullable=False),
        sa.Column("match", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("valid_until", instant),
        sa.Column("created_at", instant, nullable=False),
        sa.UniqueConstraint("tenant_id", "watchlist_id", "plate"),
    )
    op.create_index("ix_watchlist_entries_tenant_id_plate_key", "watchlist_entries", ["tenant_id", "plate_key"])
    op.create_table(
        "alerts",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("alert_id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("raised_at", instant, nullable=False),
        sa.Column("camera_id", sa.Uuid),
        sa.Column("plate", sa.Text),
        sa.Column("watchlist_id", sa.Uuid),
        sa.Column("entry_id", sa.Uuid),
        sa.Column("detection_id", sa.Uuid),
        sa.Column("captured_at", instant),
        sa.Column("last_seen_at", instant),
        sa.Column("sightings", sa.Integer, nullable=False),
        sa.Column("evidence_key", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("acknowledged_by", sa.Uuid),
        sa.Column("acknowledged_at", instant),
    )
    op.create_index("ix_alerts_tenant_id_raised_at_alert_id", "alerts", ["tenant_id", "raised_at", "alert_id"])
    op.create_index("ix_alerts_tenant_id_entry_id_camera_id_last_seen_at", "alerts", ["tenant_id", "entry_id", "camera_id", "last_seen_at"])
    for table in ("cameras", "watchlists", "watchlist_entries", "alerts"):
        tenant_table(table)
