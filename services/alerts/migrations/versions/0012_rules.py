"""Rules on what cameras see, with every version of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import tenant_table

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)

    def what() -> list[sa.Column]:
        return [
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("enabled", sa.Boolean, nullable=False),
            sa.Column("severity", sa.Text, nullable=False),
            sa.Column("condition", JSONB, nullable=False),
            sa.Column("cooldown_s", sa.Integer, nullable=False),
            sa.Column("channel_ids", ARRAY(sa.Uuid)),
            sa.Column("created_at", instant, nullable=False),
        ]

    op.create_table(
        "rules",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("rule_id", sa.Uuid, primary_key=True),
        *what(),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("tenant_id", "name", name="uq_rules_tenant_id_name"),
    )
    op.create_table(
        "rule_versions",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("rule_id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        *what(),
        sa.Column("changed_by", sa.Uuid, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
    )
    for table in ("rules", "rule_versions"):
        tenant_table(table)


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
