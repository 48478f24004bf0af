"""One entry of a vehicle on a list, whichever era its plate is written in.

Where a list has both spellings, the older entry stays, for both: with the reasons of both, and valid for as long as either was.
Alerts and idempotency keys of the other one lead to it. The constraint on the plate stays for the release before.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

_KEPT = """(
    SELECT tenant_id, entry_id, first_value(entry_id)
        OVER (PARTITION BY tenant_id, watchlist_id, plate_key ORDER BY created_at, entry_id) AS kept_id FROM watchlist_entries
) AS entry"""
_MERGED = """(
    SELECT tenant_id, (array_agg(entry_id ORDER BY created_at, entry_id))[1] AS entry_id,
        coalesce(string_agg(DISTINCT reason, '; ') FILTER (WHERE reason <> ''), '') AS reason,
        CASE WHEN bool_or(valid_until IS NULL) THEN NULL ELSE max(valid_until) END AS valid_until
    FROM watchlist_entries GROUP BY tenant_id, watchlist_id, plate_key HAVING count(*) > 1
) AS merged"""


def upgrade() -> None:
    op.execute("LOCK TABLE watchlist_entries IN SHARE ROW EXCLUSIVE MODE")
    for table, column in (("alerts", "entry_id"), ("idempotency_key", "resource_id")):
        op.execute(
            f"UPDATE {table} AS named SET {column} = entry.kept_id FROM {_KEPT}"  # noqa: S608 - names of this file
            f" WHERE named.tenant_id = entry.tenant_id AND named.{column} = entry.entry_id AND entry.kept_id <> entry.entry_id"
        )
    op.execute(
        "UPDATE watchlist_entries AS kept SET match = 'era', reason = merged.reason, valid_until = merged.valid_until"  # noqa: S608
        f" FROM {_MERGED} WHERE kept.tenant_id = merged.tenant_id AND kept.entry_id = merged.entry_id"
    )
    op.execute(
        f"DELETE FROM watchlist_entries AS gone USING {_KEPT}"  # noqa: S608
        " WHERE gone.tenant_id = entry.tenant_id AND gone.entry_id = entry.entry_id AND entry.kept_id <> entry.entry_id"
    )
    name = "uq_watchlist_entries_tenant_id_watchlist_id_plate_key"
    op.create_unique_constraint(name, "watchlist_entries", ["tenant_id", "watchlist_id", "plate_key"])
