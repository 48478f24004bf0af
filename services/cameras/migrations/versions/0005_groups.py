"""Names of groups of cameras. Those that cameras hold already are called "Grupo 1", "Grupo 2", ... until people rename them."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import tenant_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_HELD = "SELECT DISTINCT tenant_id, unnest(groups) AS id FROM camera WHERE removed_at IS NULL"
_NUMBERED = f"SELECT tenant_id, id, row_number() OVER (PARTITION BY tenant_id ORDER BY id) AS number FROM ({_HELD}) AS held"  # noqa: S608


def upgrade() -> None:
    op.create_table(
        "camera_group",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("tenant_id", "name_key"),
        schema="cameras",
    )
    tenant_table("camera_group")
    op.execute(
        "INSERT INTO camera_group (tenant_id, id, name, name_key, created_at)"  # noqa: S608 - names of this file
        f" SELECT tenant_id, id, 'Grupo ' || number, 'grupo ' || number, now() FROM ({_NUMBERED}) AS numbered"
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
