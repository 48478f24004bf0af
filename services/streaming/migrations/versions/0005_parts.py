"""The parts of each recorded file, so that a playlist is made from the index without opening files."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("segments", sa.Column("parts", sa.LargeBinary))


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
