"""Sign-in through outside OpenID providers."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import definer_function, tenant_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "external_identity",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("issuer", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("issuer", "subject", name="uq_external_identity_issuer_subject"),
        sa.ForeignKeyConstraint(["tenant_id", "account_id"], ["identity.account.tenant_id", "identity.account.id"], ondelete="CASCADE"),
        schema="identity",
    )
    op.create_index("ix_external_identity_tenant_id_account_id", "external_identity", ["tenant_id", "account_id"], schema="identity")
    tenant_table("external_identity")
    definer_function(
        "find_external(wanted_issuer text, wanted_subject text)",
        "SETOF external_identity",
        "SELECT * FROM external_identity WHERE issuer = wanted_issuer AND subject = wanted_subject",
    )
    definer_function(
        "release_login(releasing_tenant uuid, releasing_account uuid)",
        "integer",
        """
        WITH gone AS (
            DELETE FROM login_name WHERE tenant_id = releasing_tenant AND account_id = releasing_account RETURNING 1
        )
        SELECT count(*)::integer FROM gone
        """,
        volatility="VOLATILE",
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
