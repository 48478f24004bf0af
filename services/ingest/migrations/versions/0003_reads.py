"""An index of the detections that have a plate."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # On the parent, so that the days to come have it too. Storing waits while it is built; what is to be stored waits in the broker.
    where = sa.text("plate IS NOT NULL")
    op.create_index("ix_detections_reads", "detections", ["tenant_id", "camera_id", "captured_at"], postgresql_where=where)


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
