"""Cities are suspended, and deleted some time after."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import definer_function

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_STATE = """
    CASE WHEN deleted_at IS NOT NULL THEN 'deleted' WHEN deletes_at IS NOT NULL THEN 'closing'
         WHEN suspended_at IS NOT NULL THEN 'suspended' ELSE 'active' END
"""


def upgrade() -> None:
    for name in ("suspended_at", "deletes_at", "deleted_at"):
        op.add_column("tenant", sa.Column(name, _AT, nullable=True), schema="identity")
    definer_function(
        "search_tenants(after uuid, most integer, part text, wanted text)",
        "SETOF tenant",
        f"""
        SELECT * FROM tenant
        WHERE (after IS NULL OR tenant_id > after) AND (part IS NULL OR strpos(lower(name), lower(part)) > 0)
        AND CASE WHEN wanted IS NULL THEN deleted_at IS NULL ELSE wanted = {_STATE} END
        ORDER BY tenant_id LIMIT most
        """,  # noqa: S608
    )
    definer_function(
        "enabled_users(wanted uuid[])",
        "TABLE (tenant_id uuid, users bigint)",
        "SELECT a.tenant_id, count(*) FROM account a WHERE a.tenant_id = ANY (wanted) AND a.disabled_at IS NULL GROUP BY a.tenant_id",
    )
    definer_function(
        "due_tenants(moment timestamptz)",
        "SETOF uuid",
        "SELECT tenant_id FROM tenant WHERE deletes_at <= moment AND deleted_at IS NULL ORDER BY tenant_id",
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
