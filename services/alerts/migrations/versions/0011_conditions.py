"""What lasts until it is over: lost cameras, what was lost together, recordings that stand still."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.migrations import definer_function, tenant_table

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "camera_conditions",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("is_lost", sa.Boolean, nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("losses", ARRAY(instant), nullable=False),
        sa.Column("due_at", instant),
        sa.Column("subject", sa.Text),
        sa.Column("muted_until", instant),
    )
    op.create_index("ix_camera_conditions_due", "camera_conditions", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_table(
        "camera_outages",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("camera_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("grown_at", instant, nullable=False),
        sa.Column("muted_until", instant),
    )
    op.create_table(
        "recording_conditions",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, primary_key=True),
        sa.Column("since", instant, nullable=False),
        sa.Column("is_stopped", sa.Boolean, nullable=False),
        sa.Column("is_disk", sa.Boolean, nullable=False),
    )
    op.create_table(
        "condition_marks",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("at", instant, nullable=False),
    )
    for table in ("camera_conditions", "camera_outages", "recording_conditions", "condition_marks"):
        tenant_table(table)
    due = "SELECT DISTINCT tenant_id FROM camera_conditions WHERE due_at <= at"
    definer_function("tenants_with_lost_cameras(at timestamptz)", "SETOF uuid", due)


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
