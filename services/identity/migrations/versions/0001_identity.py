"""Tenants, accounts, API keys, sessions and signing keys, each under its tenant's policy."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import create_outbox, create_schema_and_grants, definer_function, tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROLES = "'platform_admin', 'admin', 'operator', 'viewer', 'auditor', 'partner'"
_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_schema_and_grants()
    create_outbox()
    _tenants()
    _keys()
    _sessions()
    for table in ("tenant", "account", "api_key", "session", "refresh_token"):
        tenant_table(table)
    op.execute("GRANT SELECT, INSERT ON identity.signing_key TO identity")
    _functions()


def _tenants() -> None:
    op.create_table(
        "tenant",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        schema="identity",
    )
    op.create_table(
        "account",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("role", sa.Text, sa.CheckConstraint(f"role IN ({_ROLES})", name="role"), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("camera_groups", ARRAY(sa.Uuid), nullable=True),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("disabled_at", _AT, nullable=True),
        schema="identity",
    )
    op.create_table(
        "login_name",
        sa.Column("email_key", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("account_id", sa.Uuid, nullable=False),
        schema="identity",
    )


def _keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, sa.CheckConstraint(f"role IN ({_ROLES})", name="role"), nullable=False),
        sa.Column("key_hash", sa.Text, nullable=False, unique=True),
        sa.Column("camera_groups", ARRAY(sa.Uuid), nullable=True),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("revoked_at", _AT, nullable=True),
        schema="identity",
    )
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.Text, primary_key=True),
        sa.Column("private_sealed", sa.Text, nullable=False),
        sa.Column("public_jwk", JSONB, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        schema="identity",
    )


def _sessions() -> None:
    op.create_table(
        "session",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("subject_kind", sa.Text, sa.CheckConstraint("subject_kind IN ('user', 'api_key')", name="subject_kind"), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.Column("revoked_until", _AT, nullable=True),
        schema="identity",
    )
    op.create_index("ix_session_tenant_id_subject_id", "session", ["tenant_id", "subject_id"], schema="identity")
    op.create_index("ix_session_expires_at", "session", ["expires_at"], schema="identity")
    op.create_index(
        "ix_session_revoked", "session", ["revoked_until"], schema="identity", postgresql_where=sa.text("revoked_until IS NOT NULL")
    )
    op.create_table(
        "refresh_token",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.Column("used_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(["tenant_id", "session_id"], ["identity.session.tenant_id", "identity.session.id"], ondelete="CASCADE"),
        schema="identity",
    )
    op.create_index("ix_refresh_token_tenant_id_session_id", "refresh_token", ["tenant_id", "session_id"], schema="identity")


def _functions() -> None:
    """What happens before a tenant is known, or across tenants; each looks at as little as it can."""
    definer_function(
        "claim_login(wanted text, claiming_tenant uuid, claiming_account uuid)",
        "boolean",
        """
        WITH claimed AS (
            INSERT INTO login_name (email_key, tenant_id, account_id) VALUES (wanted, claiming_tenant, claiming_account)
            ON CONFLICT DO NOTHING RETURNING 1
        )
        SELECT EXISTS (SELECT 1 FROM claimed)
        """,
        volatility="VOLATILE",
    )
    definer_function(
        "find_login(wanted text)",
        "SETOF account",
        "SELECT a.* FROM login_name n JOIN account a ON a.tenant_id = n.tenant_id AND a.id = n.account_id WHERE n.email_key = wanted",
    )
    definer_function("find_api_key(wanted text)", "SETOF api_key", "SELECT * FROM api_key WHERE key_hash = wanted")
    definer_function("find_tenant(wanted text)", "SETOF tenant", "SELECT * FROM tenant WHERE name = wanted")
    definer_function(
        "live_revocations(moment timestamptz)",
        "TABLE (session_id uuid, until timestamptz)",
        "SELECT id, revoked_until FROM session WHERE revoked_until > moment",
    )
    definer_function(
        "prune_sessions(moment timestamptz)",
        "integer",
        """
        WITH gone AS (
            DELETE FROM session WHERE expires_at < moment AND (revoked_until IS NULL OR revoked_until < moment) RETURNING 1
        )
        SELECT count(*)::integer FROM gone
        """,
        volatility="VOLATILE",
    )


def downgrade() -> None:
    raise NotImplementedError("the first migration is not undone: drop the schema instead")
