"""Passwords to change, second factors, devices of sessions."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import definer_function, tenant_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _accounts()
    _sessions()
    # What a refused login of nobody's account does, so that it takes as long as the record of somebody's: it reaches the disk and
    # changes nothing.
    definer_function("write_nothing()", "text", "SELECT pg_logical_emit_message(true, 'identity', '')::text", volatility="VOLATILE")


def _accounts() -> None:
    for column in (
        sa.Column("name", sa.Text, nullable=True),
        sa.Column("must_change_password", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("factor_sealed", sa.Text, nullable=True),
        sa.Column("factor_confirmed_at", _AT, nullable=True),
        sa.Column("factor_last_step", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("account", column, schema="identity")
    op.create_table(
        "recovery_code",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("account_id", sa.Uuid, primary_key=True),
        sa.Column("code_hash", sa.Text, primary_key=True),
        sa.Column("used_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(["tenant_id", "account_id"], ["identity.account.tenant_id", "identity.account.id"], ondelete="CASCADE"),
        schema="identity",
    )
    tenant_table("recovery_code")


def _sessions() -> None:
    for column in (
        sa.Column(
            "client",
            sa.Text,
            sa.CheckConstraint("client IN ('browser', 'mobile', 'api')", name="client"),
            nullable=False,
            server_default="api",
        ),
        sa.Column("device", sa.Text, nullable=True),
        sa.Column("address", sa.Text, nullable=True),
        sa.Column("last_used_at", _AT, nullable=True),
    ):
        op.add_column("session", column, schema="identity")


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
