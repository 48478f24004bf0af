"""Watchlists: when, where and how an entry is looked for, and who is told. Imports of entries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import definer_function, tenant_table

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_PARTS = {
    "part_a": "substr(plate_key, 3)",
    "part_b": "substr(plate_key, 1, 2) || substr(plate_key, 5)",
    "part_c": "substr(plate_key, 1, 4)",
}


def upgrade() -> None:
    # Defaults throughout: the release before goes on adding lists and entries.
    for column in (
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.text("true")),
        sa.Column("channel_ids", ARRAY(sa.Uuid)),
        sa.Column("legal_basis", sa.Text, nullable=False, server_default=""),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
    ):
        op.add_column("watchlists", column)
    for column in (
        sa.Column("is_similar", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.text("true")),
        sa.Column("legal_basis", sa.Text, nullable=False, server_default=""),
        sa.Column("priority", sa.Text),
        sa.Column("hours", JSONB),
        sa.Column("camera_ids", ARRAY(sa.Uuid), nullable=False, server_default="{}"),
        sa.Column("group_ids", ARRAY(sa.Uuid), nullable=False, server_default="{}"),
        *(sa.Column(name, sa.Text, sa.Computed(part, persisted=True)) for name, part in _PARTS.items()),
    ):
        op.add_column("watchlist_entries", column)
    for name in _PARTS:
        columns = ["tenant_id", name]
        op.create_index(f"ix_watchlist_entries_tenant_id_{name}", "watchlist_entries", columns, postgresql_where=sa.text("is_similar"))
    _imports()


def _imports() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "watchlist_imports",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("import_id", sa.Uuid, primary_key=True),
        sa.Column("watchlist_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("on_error", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("created_by", sa.Uuid, nullable=False),
        sa.Column("finished_at", instant),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False, server_default="0"),
        sa.Column("added", sa.Integer, nullable=False, server_default="0"),
        sa.Column("changed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("unchanged", sa.Integer, nullable=False, server_default="0"),
        sa.Column("invalid", sa.Integer, nullable=False, server_default="0"),
        sa.Column("errors", JSONB, nullable=False, server_default="[]"),
        sa.Column("file", sa.LargeBinary),
        sa.Column("audit", JSONB, nullable=False),
        sa.Column("lease_id", sa.Uuid),
        sa.Column("lease_until", instant),
        sa.ForeignKeyConstraint(
            ["tenant_id", "watchlist_id"],
            ["watchlists.tenant_id", "watchlists.watchlist_id"],
            name="fk_watchlist_imports_tenant_id_watchlist_id_watchlists",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_watchlist_imports_tenant_id_watchlist_id", "watchlist_imports", ["tenant_id", "watchlist_id"])
    waiting = sa.text("finished_at IS NULL")
    op.create_index("ix_watchlist_imports_created_at", "watchlist_imports", ["created_at"], postgresql_where=waiting)
    tenant_table("watchlist_imports")
    definer_function(
        "waiting_imports(at timestamptz)",
        "TABLE (tenant_id uuid, import_id uuid)",
        "SELECT i.tenant_id, i.import_id FROM watchlist_imports i"
        " WHERE i.finished_at IS NULL AND (i.lease_until IS NULL OR i.lease_until < at)"
        " ORDER BY i.created_at LIMIT 20",
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
