"""The tables of the sample service."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import (
    create_idempotency_keys,
    create_inbox,
    create_outbox,
    create_partition_functions,
    create_schema_and_grants,
    definer_function,
    reading_function,
    tenant_table,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_schema_and_grants()
    create_outbox()
    create_inbox()
    create_idempotency_keys()
    op.create_table(
        "thing",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    tenant_table("thing")
    op.create_table(
        "camera",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("camera_id", sa.Uuid, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
    )
    tenant_table("camera")
    op.create_table(
        "reading",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
        sa.Column("day", sa.Date),
        postgresql_partition_by="RANGE (captured_at)",
    )
    tenant_table("reading")
    create_partition_functions("reading")
    definer_function("count_things(wanted text)", "bigint", "SELECT count(*) FROM thing WHERE name = wanted")
    reading_function("list_things(tenant uuid, wanted text)", "name text", "SELECT name FROM sample.thing WHERE $2 IS NULL OR name = $2")
    reading_function("add_thing(tenant uuid)", "id uuid", "INSERT INTO sample.thing VALUES ($1, $1, 'x') RETURNING id")
