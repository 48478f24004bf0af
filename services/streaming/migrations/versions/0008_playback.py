"""Sessions of viewers of recordings. The media node that redeems a ticket knows the camera of its path, and from that the tenant."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.migrations import definer_function, tenant_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "playback_sessions",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("session_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, nullable=False),
        sa.Column("range_from", instant, nullable=False),
        sa.Column("range_to", instant, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("login_id", sa.Uuid, nullable=False),
        sa.Column("groups", ARRAY(sa.Uuid)),
        sa.Column("purpose", sa.Text),
        sa.Column("ticket_hash", sa.Text, nullable=False),
        sa.Column("ticket_expires_at", instant, nullable=False),
        sa.Column("key_hash", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("opened_at", instant),
        sa.Column("expires_at", instant, nullable=False),
        sa.UniqueConstraint("tenant_id", "ticket_hash"),
        sa.UniqueConstraint("tenant_id", "key_hash"),
    )
    tenant_table("playback_sessions")
    definer_function("tenant_of_camera(camera uuid)", "uuid", "SELECT c.tenant_id FROM cameras c WHERE c.camera_id = camera")


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
