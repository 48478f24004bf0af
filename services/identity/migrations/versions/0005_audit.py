"""The audit ledger: entries and anchors in monthly partitions that nobody changes, one head row a tenant."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis.migrations import append_only_table, create_inbox, create_partition_functions, definer_function, enable_tenant_policy

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_inbox()
    _entries()
    _anchors()
    _heads()
    _functions()


def _entries() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("recorded_at", _AT, nullable=False, comment="never goes back within a tenant"),
        sa.Column("version", sa.SmallInteger, nullable=False, comment="of the canonical form"),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("occurred_at", _AT, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_name", sa.Text, comment="as it was when the entry was made"),
        sa.Column("actor_role", sa.Text),
        sa.Column("session_id", sa.Uuid),
        sa.Column("object_kind", sa.Text),
        sa.Column("object_id", sa.Text),
        sa.Column("camera_id", sa.Uuid),
        sa.Column("purpose", sa.Text),
        sa.Column("range_from", _AT),
        sa.Column("range_to", _AT),
        sa.Column("address", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.Column("service", sa.Text),
        sa.Column("correlation_id", sa.Uuid, nullable=False),
        sa.Column("details", JSONB, nullable=False),
        sa.Column("prev_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("mac", sa.Text, nullable=False),
        sa.Column("mac_kid", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "seq", "recorded_at", name="pk_audit_entry"),
        schema="identity",
        postgresql_partition_by="RANGE (recorded_at)",
    )
    for name, columns in {
        "occurred_at": ["occurred_at", "seq"],
        "action": ["action", "occurred_at"],
        "actor": ["actor_id", "occurred_at"],
        "camera": ["camera_id", "occurred_at"],
        "object": ["object_id", "occurred_at"],
        "correlation": ["correlation_id"],
    }.items():
        op.create_index(f"ix_audit_entry_{name}", "audit_entry", ["tenant_id", *columns], schema="identity")
    append_only_table("audit_entry")
    create_partition_functions("audit_entry", "month", append_only=True)


def _anchors() -> None:
    op.create_table(
        "audit_anchor",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text, sa.CheckConstraint("kind IN ('seal', 'cut')", name="kind"), nullable=False),
        sa.Column("anchored_at", _AT, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("kid", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "seq", "kind", "anchored_at", name="pk_audit_anchor"),
        schema="identity",
        postgresql_partition_by="RANGE (anchored_at)",
    )
    append_only_table("audit_anchor")
    create_partition_functions("audit_anchor", "month", append_only=True)


def _heads() -> None:
    op.create_table(
        "audit_head",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("recorded_at", _AT, nullable=False),
        schema="identity",
    )
    enable_tenant_policy("audit_head")
    op.execute("GRANT SELECT, INSERT, UPDATE ON identity.audit_head TO identity")
    op.create_table(
        "audit_copy_owed",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("anchored_at", _AT, primary_key=True),
        schema="identity",
    )
    enable_tenant_policy("audit_copy_owed")
    op.execute("GRANT SELECT, INSERT, DELETE ON identity.audit_copy_owed TO identity")


def _functions() -> None:
    """What upkeep needs to know across tenants: ids and numbers, never what is on record."""
    definer_function(
        "audited_tenants()",
        "TABLE (tenant_id uuid, name text)",
        """
        SELECT known.tenant_id, t.name FROM (
            SELECT tenant_id FROM audit_head UNION SELECT tenant_id FROM audit_anchor UNION SELECT tenant_id FROM tenant
        ) AS known LEFT JOIN tenant t USING (tenant_id) ORDER BY known.tenant_id
        """,
    )
    definer_function(
        "unsealed_tenants()",
        "SETOF uuid",
        """
        SELECT h.tenant_id FROM audit_head h
        WHERE h.seq > coalesce((SELECT max(a.seq) FROM audit_anchor a WHERE a.tenant_id = h.tenant_id AND a.seq <= h.seq), 0)
        UNION SELECT o.tenant_id FROM audit_copy_owed o
        """,
    )
    definer_function(
        "audit_tails(before timestamptz)",
        "TABLE (tenant_id uuid, seq bigint, hash text)",
        "SELECT DISTINCT ON (e.tenant_id) e.tenant_id, e.seq, e.hash FROM audit_entry e WHERE e.recorded_at < before "
        "ORDER BY e.tenant_id, e.seq DESC",
    )
    definer_function(
        "longest_audit_days(otherwise integer)",
        "integer",
        "SELECT coalesce(max(coalesce((settings #>> '{retention,audit_days}')::integer, otherwise)), otherwise) FROM tenant",
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
