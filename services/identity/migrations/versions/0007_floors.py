"""What deletes across tenants checks for itself what may go: the service's role may call it with any argument.

Entries of the ledger are kept for five years at least, and anchors for a month longer: a cut of a month's last night is what the next
month's first entry stands on.
"""

from chassis.migrations import bound_idempotency_keys, bound_partition_drops, definer_function

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ENTRIES = "date_trunc('month', (now() AT TIME ZONE 'UTC') - make_interval(days => longest_audit_days(1826)))"


def upgrade() -> None:
    definer_function(
        "longest_audit_days(otherwise integer)",
        "integer",
        "SELECT greatest(1826, otherwise, max((settings #>> '{retention,audit_days}')::integer)) FROM tenant",
    )
    bound_partition_drops("audit_entry", "month", f"({_ENTRIES})::date")
    bound_partition_drops("audit_anchor", "month", f"({_ENTRIES} - interval '1 month')::date")
    definer_function(
        "prune_sessions(moment timestamptz)",
        "integer",
        """
        WITH ended AS (SELECT least(moment, now() - interval '7 days') AS before), gone AS (
            DELETE FROM session USING ended
            WHERE expires_at < ended.before AND (revoked_until IS NULL OR revoked_until < ended.before) RETURNING 1
        )
        SELECT count(*)::integer FROM gone
        """,
        volatility="VOLATILE",
    )
    definer_function(
        "release_login(releasing_tenant uuid, releasing_account uuid)",
        "integer",
        """
        WITH gone AS (
            DELETE FROM login_name WHERE tenant_id = releasing_tenant AND account_id = releasing_account
            AND tenant_id = nullif(current_setting('app.tenant', true), '')::uuid RETURNING 1
        )
        SELECT count(*)::integer FROM gone
        """,
        volatility="VOLATILE",
    )
    bound_idempotency_keys()


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
