"""What the recordings take, by camera, and what room is left: the recorder agent counts, so that no one adds up the index."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import tenant_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "recording_usage",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, primary_key=True),
        sa.Column("bytes_used", sa.BigInteger, nullable=False),
        sa.Column("bytes_per_day", sa.BigInteger),
        sa.Column("oldest", instant, nullable=False),
        sa.Column("newest", instant, nullable=False),
        sa.Column("is_growing", sa.Boolean, nullable=False),
    )
    op.create_table(
        "recording_room",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("total_bytes", sa.BigInteger, nullable=False),
        sa.Column("free_bytes", sa.BigInteger, nullable=False),
        sa.Column("days_left", sa.Float),
        sa.Column("as_of", instant, nullable=False),
    )
    for table in ("recording_usage", "recording_room"):
        tenant_table(table)


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
