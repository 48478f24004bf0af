"""Why there is or is no recording: interruptions, files that are being written, watches, and since when a camera is known."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import definer_function, grant_dml, tenant_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "interruptions",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, primary_key=True),
        sa.Column("started_at", instant, primary_key=True),
        sa.Column("interruption_id", sa.Uuid, primary_key=True),
        sa.Column("ended_at", instant),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index("ix_interruptions_open", "interruptions", ["tenant_id", "camera_id", "source"], unique=True, postgresql_where=is_open)
    op.create_table(
        "open_files",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("started_at", instant, nullable=False),
        sa.Column("written_at", instant, nullable=False),
    )
    for table in ("interruptions", "open_files"):
        tenant_table(table)
    op.create_table(
        "watches",
        sa.Column("node", sa.Text, primary_key=True),
        sa.Column("watched_from", instant, primary_key=True),
        sa.Column("watched_until", instant, nullable=False),
    )
    grant_dml("watches")  # a node's, whoever's cameras are on it
    columns = "tenant_id uuid, camera_id uuid, started_at timestamptz, interruption_id uuid, cause text, detail text"
    definer_function(
        "open_interruptions(of_source text)",
        f"TABLE ({columns})",
        "SELECT i.tenant_id, i.camera_id, i.started_at, i.interruption_id, i.cause, i.detail FROM interruptions i"
        " WHERE i.ended_at IS NULL AND i.source = of_source",
    )
    # A month of a camera is read from the index alone; in the table each row of it lies on a page of its own.
    op.create_index("ix_segments_spans", "segments", ["tenant_id", "camera_id", "started_at"], postgresql_include=["ended_at"])
    op.drop_index("ix_segments_tenant_id_camera_id_started_at", "segments")
    # Empty where a camera is older than this column.
    op.add_column("cameras", sa.Column("known_since", instant))
    op.alter_column("cameras", "known_since", server_default=sa.func.now())


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
