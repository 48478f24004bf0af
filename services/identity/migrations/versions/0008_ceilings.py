"""What the platform allows a city at most, beside what the city decided."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


KEEP_LIMITS = """
    UPDATE identity.tenant SET ceiling = limits.found FROM (
        SELECT t.tenant_id, jsonb_object_agg(l.name, l.value) AS found
        FROM identity.tenant t, LATERAL (
            SELECT 'quotas.' || q.key AS name, q.value FROM jsonb_each(coalesce(t.settings -> 'quotas', '{}')) q
            WHERE jsonb_typeof(q.value) = 'number'
            UNION ALL
            SELECT 'ai_budget.daily_usd', t.settings #> '{ai_budget,daily_usd}'
            WHERE (t.settings #>> '{ai_budget,daily_usd}')::numeric > 0
        ) l
        GROUP BY t.tenant_id
    ) limits WHERE tenant.tenant_id = limits.tenant_id
"""
"""Who set a limit before is not known: it stays, and no city can lift it."""


def upgrade() -> None:
    op.add_column("tenant", sa.Column("ceiling", JSONB, nullable=False, server_default="{}"), schema="identity")
    op.execute(KEEP_LIMITS)


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
