"""The time by which data is old enough to go, as it was known last."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import grant_dml

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "trusted_time",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("seen_at", instant, nullable=False),
        sa.Column("expected_at", instant, nullable=False),
        sa.Column("trusted_at", instant, nullable=False),
        sa.Column("steady_s", sa.Float, nullable=False),
    )
    grant_dml("trusted_time")  # the installation's


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
