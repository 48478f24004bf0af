"""Files whose tombstone is there and that are not deleted yet."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import tenant_table

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "buried_files",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("segment_id", sa.Uuid, primary_key=True),
    )
    tenant_table("buried_files")


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
