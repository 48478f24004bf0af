"""When we were last told of a camera: a list of the living that is older must not remove it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # The default is for the cameras we have, and for replicas of the release before, which go on while this one comes up.
    op.add_column("cameras", sa.Column("told_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()))
