"""An outage is kept for a while after its end: what is lost again with it is the same one."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("camera_outages", sa.Column("ended_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
