"""Planned work, during which nobody is told, and holidays."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.migrations import tenant_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "maintenance_windows",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("window_id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("starts_at", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("camera_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("group_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("created_at", instant, nullable=False),
    )
    op.create_index("ix_maintenance_windows_tenant_id_ends_at", "maintenance_windows", ["tenant_id", "ends_at"])
    op.create_table(
        "holidays",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    for table in ("maintenance_windows", "holidays"):
        tenant_table(table)


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
