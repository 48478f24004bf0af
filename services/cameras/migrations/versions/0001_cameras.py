"""Cameras under their tenant's policy, and the lease of the announcer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import create_inbox, create_outbox, create_schema_and_grants, definer_function, grant_dml, tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_STATES = "'unknown', 'online', 'degraded', 'offline', 'disabled'"


def upgrade() -> None:
    create_schema_and_grants()
    create_outbox()
    create_inbox()
    op.create_table(
        "camera",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text, nullable=True),
        sa.Column("url_sealed", sa.Text, nullable=False),
        sa.Column("url_shown", sa.Text, nullable=False),
        sa.Column("groups", ARRAY(sa.Uuid), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("recording", JSONB, nullable=False),
        sa.Column("ai", JSONB, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("updated_at", _AT, nullable=False),
        sa.Column("removed_at", _AT, nullable=True),
        sa.Column("state", sa.Text, sa.CheckConstraint(f"state IN ({_STATES})", name="state"), nullable=False),
        sa.Column("state_since", _AT, nullable=True),
        sa.Column("state_cause", sa.Text, nullable=True),
        sa.Column("stream_revision", sa.Integer, nullable=False),
        schema="cameras",
    )
    op.create_index(
        "uq_camera_external_id",
        "camera",
        ["tenant_id", "external_id"],
        unique=True,
        schema="cameras",
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    tenant_table("camera")
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Uuid, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("until", _AT, nullable=False),
        schema="cameras",
    )
    grant_dml("lease")
    # Whoever removed the last camera still needs the announcement that none is left.
    definer_function("tenants_with_cameras()", "SETOF uuid", "SELECT DISTINCT tenant_id FROM camera")


def downgrade() -> None:
    raise NotImplementedError("the first migration is not undone: drop the schema instead")
