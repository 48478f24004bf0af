"""Whose rights have ended, and which refusals of a playback ticket are on record. A ticket may be shown at any city's camera."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.migrations import definer_function, tenant_table

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "ended_rights",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("subject_id", sa.Uuid, primary_key=True),
        sa.Column("ended_at", instant, nullable=False),
    )
    tenant_table("ended_rights")
    op.add_column("playback_sessions", sa.Column("given_at", instant))
    op.add_column("playback_sessions", sa.Column("told", ARRAY(sa.Text), nullable=False, server_default="{}"))
    op.create_index("ix_playback_sessions_ticket_hash", "playback_sessions", ["ticket_hash"])
    definer_function(
        "tenant_of_ticket(hash text)", "uuid", "SELECT s.tenant_id FROM playback_sessions s WHERE s.ticket_hash = hash LIMIT 1"
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
