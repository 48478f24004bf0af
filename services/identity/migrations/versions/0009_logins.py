"""When a user logged in last, and why a session ended before its time."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True), schema="identity")
    op.add_column("session", sa.Column("end_reason", sa.Text, nullable=True), schema="identity")


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
