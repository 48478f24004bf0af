"""Watches that ended on purpose: the time until the next one is planned."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("watches", sa.Column("stopped", sa.Boolean, nullable=False, server_default="false"))


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
