"""An alert has an identity (kind and subject), an end, a history, and a number for each change."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import definer_function, tenant_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    for column in (
        sa.Column("subject", sa.Text, nullable=False, server_default=""),
        sa.Column("lasting", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("camera_ids", ARRAY(sa.Uuid), nullable=False, server_default="{}"),
        sa.Column("rule_id", sa.Uuid),
        sa.Column("is_possible", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("alternatives", ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.Column("details", JSONB, nullable=False, server_default="{}"),
        sa.Column("resolved_by", sa.Uuid),
        sa.Column("resolved_at", instant),
        sa.Column("assigned_to", sa.Uuid),
        sa.Column("snoozed_until", instant),
        sa.Column("told", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("comments", sa.Integer, nullable=False, server_default="0"),
        sa.Column("change", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("alerts", column)
    op.execute("UPDATE alerts SET subject = concat(entry_id, '/', camera_id) WHERE kind = 'plate_watchlist'")
    op.execute("UPDATE alerts SET subject = coalesce(camera_id::text, 'disk'), lasting = true WHERE kind = 'recording_stopped'")
    op.create_index("ix_alerts_tenant_id_kind_subject_last_seen_at", "alerts", ["tenant_id", "kind", "subject", "last_seen_at"])
    op.create_index("ix_alerts_tenant_id_change", "alerts", ["tenant_id", "change"])
    op.create_index("ix_alerts_snoozed", "alerts", ["snoozed_until"], postgresql_where=sa.text("snoozed_until IS NOT NULL"))
    # in place of ix_alerts_tenant_id_state_raised_at_alert_id: what is snoozed does not count as open
    listed = ["severity", "camera_id", "snoozed_until"]
    op.create_index("ix_alerts_open", "alerts", ["tenant_id", "state", "raised_at", "alert_id"], postgresql_include=listed)
    op.drop_index("ix_alerts_tenant_id_state_raised_at_alert_id", "alerts")
    op.create_table(
        "alert_history",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("alert_id", sa.Uuid, primary_key=True),
        sa.Column("entry_id", sa.Uuid, primary_key=True),
        sa.Column("at", instant, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "alert_changes",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    tenant_table("alert_history")
    tenant_table("alert_changes")
    over = "SELECT DISTINCT tenant_id FROM alerts WHERE snoozed_until <= at AND state <> 'resolved'"
    definer_function("tenants_to_wake(at timestamptz)", "SETOF uuid", over)


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
