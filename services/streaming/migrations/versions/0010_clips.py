"""Clips: what was asked for, the job that makes it, and where its file is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis.migrations import definer_function, tenant_table

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "clips",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("clip_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.Column("until", instant, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Uuid, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("purpose", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("lease_until", instant),
        sa.Column("object_key", sa.Text),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("sha256", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("manifest", JSONB),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("started_at", instant),
        sa.Column("finished_at", instant),
        sa.Column("expires_at", instant),
    )
    tenant_table("clips")
    op.create_index("ix_clips_tenant_id_created_at_clip_id", "clips", ["tenant_id", "created_at", "clip_id"])
    waiting, ended = "state IN ('queued', 'running')", "finished_at IS NOT NULL"
    op.create_index("ix_clips_waiting", "clips", ["created_at"], postgresql_where=sa.text(waiting))
    op.create_index("ix_clips_kept", "clips", ["finished_at"], postgresql_where=sa.text(ended))
    # The recorder agent works for every tenant: it finds clips across them, and writes in one tenant at a time.
    definer_function(
        "waiting_clips(at timestamptz)",
        "TABLE (tenant_id uuid, clip_id uuid)",
        "SELECT c.tenant_id, c.clip_id FROM clips c WHERE c.state IN ('queued', 'running')"
        " AND (c.lease_until IS NULL OR c.lease_until < at)"
        " ORDER BY row_number() OVER (PARTITION BY c.tenant_id ORDER BY c.created_at), c.created_at LIMIT 20",
    )
    definer_function(
        "clips_to_tidy(at timestamptz, forgotten timestamptz)",
        "TABLE (tenant_id uuid, clip_id uuid)",
        "SELECT c.tenant_id, c.clip_id FROM clips c WHERE c.finished_at IS NOT NULL AND (c.finished_at < forgotten OR"
        " c.object_key IS NOT NULL AND CASE WHEN c.state = 'ready' THEN c.expires_at <= at"
        " ELSE c.lease_until IS NULL OR c.lease_until < at END) ORDER BY c.finished_at LIMIT 100",
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
