"""Legal holds as streaming announced them: what is held is neither deleted nor dropped."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import definer_function, tenant_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "known_holds",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("hold_id", sa.Uuid, nullable=False),
        sa.Column("camera_id", sa.Uuid, comment="null: every camera"),
        sa.Column("since", instant, nullable=False),
        sa.Column("until", instant, nullable=False),
        sa.Column("expires_at", instant),
        sa.Column("lifted_at", instant, comment="stays once it is known, so that the order of events does not matter"),
        sa.PrimaryKeyConstraint("tenant_id", "hold_id", name="pk_known_holds"),
    )
    tenant_table("known_holds")
    definer_function(
        "held_ranges(at timestamptz)",
        "TABLE (tenant_id uuid, camera_id uuid, since timestamptz, until timestamptz)",
        "SELECT h.tenant_id, h.camera_id, h.since, h.until FROM known_holds h "
        "WHERE h.lifted_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > at)",
    )
    definer_function("known_tenants()", "TABLE (tenant_id uuid)", "SELECT DISTINCT c.tenant_id FROM known_cameras c")


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
