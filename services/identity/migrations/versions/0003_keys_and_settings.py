"""API keys with scopes and an end, settings of a city, signing keys that overlap."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import definer_function

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _signing_keys()
    _api_keys()
    _tenants()


def _signing_keys() -> None:
    op.add_column("signing_key", sa.Column("activates_at", _AT, nullable=True), schema="identity")
    op.add_column("signing_key", sa.Column("retires_at", _AT, nullable=True), schema="identity")
    op.execute("UPDATE identity.signing_key SET activates_at = created_at")
    op.alter_column("signing_key", "activates_at", nullable=False, schema="identity")
    op.alter_column("signing_key", "private_sealed", nullable=True, schema="identity")  # a retired key keeps its public half only
    op.execute("GRANT UPDATE (private_sealed, retires_at) ON identity.signing_key TO identity")


def _api_keys() -> None:
    for column in (
        sa.Column("scopes", ARRAY(sa.Text), nullable=True),
        sa.Column("hint", sa.Text, nullable=True),
        sa.Column("expires_at", _AT, nullable=True),
        sa.Column("created_by", sa.Uuid, nullable=True),
        sa.Column("last_used_at", _AT, nullable=True),
        sa.Column("last_used_address", sa.Text, nullable=True),
    ):
        op.add_column("api_key", column, schema="identity")


def _tenants() -> None:
    op.add_column("tenant", sa.Column("settings", JSONB, server_default="{}", nullable=False), schema="identity")
    definer_function(
        "list_tenants(after uuid, most integer)",
        "SETOF tenant",
        "SELECT * FROM tenant WHERE after IS NULL OR tenant_id > after ORDER BY tenant_id LIMIT most",
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
