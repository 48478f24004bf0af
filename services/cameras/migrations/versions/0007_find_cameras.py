"""The list of cameras that fulfil what a screen asks for, in one message."""

from alembic import op

from chassis.migrations import reading_function

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Compatible characters become the same one, accents and the like are dropped, and case does not count.
_FOLDED = "SELECT lower(regexp_replace(normalize(given, NFKD), '[\\u0300-\\u036f]', '', 'g'))"
_SHOWN = "CASE WHEN NOT enabled THEN 'disabled' WHEN state = 'disabled' THEN 'unknown' ELSE state END"


def upgrade() -> None:
    head = "CREATE OR REPLACE FUNCTION cameras.folded(given text) RETURNS text LANGUAGE sql IMMUTABLE STRICT"
    op.execute(f"{head} AS $function$ {_FOLDED} $function$")
    op.execute("REVOKE ALL ON FUNCTION cameras.folded FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION cameras.folded TO cameras")
    # A tenant's cameras are found by its key, and each is looked at: an index of parts of names would not serve under a policy.
    reading_function(
        "find_cameras(tenant uuid, beyond uuid, most integer, within uuid[], part text, states text[], held uuid, active boolean,"
        " outside text)",
        "id uuid, name text, url_shown text, external_id text, groups uuid[], enabled boolean, recording jsonb, ai jsonb,"
        " state text, state_since timestamptz, state_cause text, revision integer, created_at timestamptz, updated_at timestamptz",
        "SELECT id, name, url_shown, external_id, groups, enabled, recording, ai, state, state_since, state_cause, revision,"  # noqa: S608
        " created_at, updated_at FROM cameras.camera"
        " WHERE tenant_id = $1 AND removed_at IS NULL AND id > $2 AND ($4 IS NULL OR groups && $4)"
        " AND ($5 IS NULL OR strpos(cameras.folded(name || chr(10) || coalesce(external_id, '')), cameras.folded($5)) > 0)"
        f" AND ($6 IS NULL OR {_SHOWN} = ANY ($6))"
        " AND ($7 IS NULL OR $7 = ANY (groups)) AND ($8 IS NULL OR enabled = $8) AND ($9 IS NULL OR external_id = $9)"
        " ORDER BY id LIMIT $3",
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
