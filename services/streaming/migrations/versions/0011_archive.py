"""Off-site copies of segments, and the ranges that are brought back from them."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import tenant_table

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "copies",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("segment_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("started_at", instant, nullable=False),
        sa.Column("ended_at", instant, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("storage_class", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", instant),
        sa.Column("copied_at", instant),
        sa.Column("restore_requested_at", instant),
        sa.Column("restored_until", instant),
    )
    op.create_index("ix_copies_tenant_id_camera_id_started_at", "copies", ["tenant_id", "camera_id", "started_at"])
    op.create_index("ix_copies_pending", "copies", ["tenant_id", "started_at"], postgresql_where=sa.text("state = 'pending'"))
    op.create_index("ix_copies_restored", "copies", ["tenant_id", "restored_until"], postgresql_where=sa.text("restored_until IS NOT NULL"))
    op.create_table(
        "restores",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("restore_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.Column("until", instant, nullable=False),
        sa.Column("requested_by", sa.Uuid, nullable=False),
        sa.Column("requested_at", instant, nullable=False),
        sa.Column("keep_until", instant, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("missing", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("finished_at", instant),
        sa.Column("look_at", instant),
    )
    is_open = sa.text("state IN ('queued', 'waiting', 'running')")
    op.create_index("ix_restores_open", "restores", ["tenant_id", "requested_at"], postgresql_where=is_open)
    for table in ("copies", "restores"):
        tenant_table(table)


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
