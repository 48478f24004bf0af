"""Messages on their way, the pace of channels, policies of escalation and groups on call."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import definer_function, tenant_table

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_PENDING = sa.text("state IN ('waiting', 'held')")


def upgrade() -> None:
    _deliveries()
    _escalation()
    tables = ("deliveries", "delivery_tries", "channel_paces", "escalation_policies", "on_call_groups", "escalations", "used_links")
    for table in tables:
        tenant_table(table)
    definer_function(
        "tenants_with_due_deliveries(at timestamptz)",
        "SETOF uuid",
        "SELECT DISTINCT tenant_id FROM deliveries WHERE state IN ('waiting', 'held') AND next_try_at <= at"
        " UNION SELECT tenant_id FROM channel_paces "
        " WHERE refused_at IS NOT NULL OR trouble_told OR failing_since <= at - interval '2 minutes'",
    )
    definer_function(
        "oldest_due_delivery(at timestamptz)",
        "timestamptz",
        "SELECT min(created_at) FROM deliveries WHERE state = 'waiting' AND next_try_at <= at",
    )
    definer_function(
        "tenants_with_due_escalations(at timestamptz)", "SETOF uuid", "SELECT DISTINCT tenant_id FROM escalations WHERE due_at <= at"
    )


def _deliveries() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "deliveries",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("delivery_id", sa.Uuid, primary_key=True),
        sa.Column("channel_id", sa.Uuid, nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("alert_id", sa.Uuid),
        sa.Column("notice", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("next_try_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("last_answer", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text),
        sa.Column("digest_id", sa.Uuid),
        sa.Column("delivered_at", instant),
    )
    op.create_index("ix_deliveries_tenant_id_created_at_delivery_id", "deliveries", ["tenant_id", "created_at", "delivery_id"])
    op.create_index("ix_deliveries_tenant_id_alert_id", "deliveries", ["tenant_id", "alert_id"])
    told_by = sa.text("digest_id IS NOT NULL")
    op.create_index("ix_deliveries_tenant_id_digest_id", "deliveries", ["tenant_id", "digest_id"], postgresql_where=told_by)
    op.create_index("ix_deliveries_pending", "deliveries", ["tenant_id", "channel_id", "next_try_at"], postgresql_where=_PENDING)
    op.create_table(
        "delivery_tries",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("delivery_id", sa.Uuid, primary_key=True),
        sa.Column("try_id", sa.Uuid, primary_key=True),
        sa.Column("at", instant, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("took_ms", sa.Integer, nullable=False),
    )
    op.create_table(
        "channel_paces",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("channel_id", sa.Uuid, primary_key=True),
        sa.Column("tokens", sa.Double, nullable=False),
        sa.Column("refilled_at", instant, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("closed_until", instant),
        sa.Column("failing_since", instant),
        sa.Column("refused_at", instant),
        sa.Column("trouble_told", sa.Boolean, nullable=False),
        sa.Column("trouble_detail", sa.Text, nullable=False),
    )


def _escalation() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "escalation_policies",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("policy_id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("order", sa.Integer, nullable=False),
        sa.Column("severities", ARRAY(sa.Text), nullable=False),
        sa.Column("kinds", ARRAY(sa.Text), nullable=False),
        sa.Column("watchlist_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("rule_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("steps", JSONB, nullable=False),
        sa.Column("repeat_h", sa.Integer),
    )
    op.create_table(
        "on_call_groups",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("group_id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("members", JSONB, nullable=False),
        sa.Column("rotation", JSONB, nullable=False),
        sa.Column("overrides", JSONB, nullable=False),
    )
    op.create_table(
        "escalations",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("alert_id", sa.Uuid, primary_key=True),
        sa.Column("step", sa.Integer, primary_key=True),
        sa.Column("due_at", instant, nullable=False),
        sa.Column("policy_id", sa.Uuid),
        sa.Column("repeat_h", sa.Integer),
    )
    op.create_index("ix_escalations_due_at", "escalations", ["due_at"])
    op.create_table(
        "used_links",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("delivery_id", sa.Uuid, primary_key=True),
        sa.Column("used_at", instant, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
