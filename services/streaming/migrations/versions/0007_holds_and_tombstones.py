"""Legal holds, what is left of deleted recordings, and how much is held."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import definer_function, tenant_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "holds",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("hold_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid),
        sa.Column("since", instant, nullable=False),
        sa.Column("until", instant, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("placed_by", sa.Uuid, nullable=False),
        sa.Column("placed_at", instant, nullable=False),
        sa.Column("expires_at", instant),
        sa.Column("lifted_by", sa.Uuid),
        sa.Column("lifted_at", instant),
        sa.Column("lift_reason", sa.Text),
    )
    op.create_table(
        "tombstones",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("tombstone_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, nullable=False),
        sa.Column("started_at", instant, nullable=False),
        sa.Column("ended_at", instant, nullable=False),
        sa.Column("segments", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("policy_value", sa.Float, nullable=False),
        sa.Column("deleted_at", instant, nullable=False),
    )
    op.create_index("ix_tombstones_tenant_id_camera_id_started_at", "tombstones", ["tenant_id", "camera_id", "started_at"])
    for table in ("holds", "tombstones"):
        tenant_table(table)
    # The recorder agent deletes for every tenant, and may touch nothing that any of them holds.
    definer_function(
        "fleet_holds(at timestamptz)",
        "TABLE (tenant_id uuid, camera_id uuid, since timestamptz, until timestamptz)",
        "SELECT h.tenant_id, h.camera_id, h.since, h.until FROM holds h "
        "WHERE h.lifted_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > at)",
    )
    op.add_column("recording_room", sa.Column("held_bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("recording_room", sa.Column("full_of_held", sa.Boolean, nullable=False, server_default="false"))


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
