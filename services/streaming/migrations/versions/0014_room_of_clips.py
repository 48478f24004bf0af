"""Clips: what the files that are still to be made will take, so that a city's clips have a bound together."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clips", sa.Column("estimated_bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE clips SET reason = 'no_room' WHERE reason = 'disk_full'")


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
