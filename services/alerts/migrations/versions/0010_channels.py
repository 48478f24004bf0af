"""Channels, the keys of web push and the browsers that subscribed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import tenant_table

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "channels",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("channel_id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("settings", JSONB, nullable=False),
        sa.Column("sealed", JSONB, nullable=False),
        sa.Column("min_severity", sa.Text, nullable=False),
        sa.Column("kinds", ARRAY(sa.Text), nullable=False),
        sa.Column("rate_per_minute", sa.Integer, nullable=False),
        sa.Column("quiet_hours", JSONB),
        sa.Column("template", JSONB),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("rotated_at", instant),
        sa.Column("trouble_since", instant),
        sa.Column("trouble_detail", sa.Text),
        sa.Column("last_delivered_at", instant),
        sa.UniqueConstraint("tenant_id", "name"),
    )
    op.create_table(
        "push_keys",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("public", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
    )
    op.create_table(
        "push_subscriptions",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("endpoint", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("p256dh", sa.Text, nullable=False),
        sa.Column("auth", sa.Text, nullable=False),
        sa.Column("groups", ARRAY(sa.Uuid)),
        sa.Column("created_at", instant, nullable=False),
    )
    for table in ("channels", "push_keys", "push_subscriptions"):
        tenant_table(table)


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
