"""Lists of alerts by state, camera and plate have their indexes; a plate may be watched from a later instant on."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_alerts_tenant_id_camera_id_raised_at", "alerts", ["tenant_id", "camera_id", "raised_at"])
    op.create_index("ix_alerts_tenant_id_plate_raised_at", "alerts", ["tenant_id", "plate", "raised_at"])
    op.create_index(
        "ix_alerts_tenant_id_state_raised_at_alert_id",
        "alerts",
        ["tenant_id", "state", "raised_at", "alert_id"],
        postgresql_include=["severity", "camera_id"],
    )
    # Empty: from the beginning, as for every entry that we have and for those that the release before goes on adding.
    op.add_column("watchlist_entries", sa.Column("valid_from", sa.DateTime(timezone=True)))


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
