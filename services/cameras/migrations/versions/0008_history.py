"""The states that cameras were in. The history of a camera that exists begins with the state that it is in."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import tenant_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATES = "'unknown', 'online', 'degraded', 'offline', 'disabled'"


def upgrade() -> None:
    op.create_table(
        "state_change",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("state", sa.Text, sa.CheckConstraint(f"state IN ({_STATES})", name="state"), nullable=False),
        sa.Column("cause", sa.Text, nullable=True),
        schema="cameras",
    )
    tenant_table("state_change")
    # As domain.shown_as says it.
    op.execute(
        "INSERT INTO state_change (tenant_id, camera_id, at, state, cause)"
        " SELECT tenant_id, id, updated_at, 'disabled', 'disabled' FROM camera WHERE removed_at IS NULL AND NOT enabled"
        " UNION ALL SELECT tenant_id, id, updated_at, 'unknown', NULL FROM camera"
        " WHERE removed_at IS NULL AND enabled AND state = 'disabled'"
        " UNION ALL SELECT tenant_id, id, coalesce(state_since, created_at), state, state_cause FROM camera"
        " WHERE removed_at IS NULL AND enabled AND state <> 'disabled'"
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
