"""The list of cameras in one message."""

from chassis.migrations import reading_function

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    reading_function(
        "list_cameras(tenant uuid, beyond uuid, most integer, within uuid[])",
        "id uuid, name text, url_shown text, external_id text, groups uuid[], enabled boolean, recording jsonb, ai jsonb,"
        " state text, state_since timestamptz, state_cause text, revision integer, created_at timestamptz, updated_at timestamptz",
        "SELECT id, name, url_shown, external_id, groups, enabled, recording, ai, state, state_since, state_cause, revision,"
        " created_at, updated_at FROM cameras.camera"
        " WHERE tenant_id = $1 AND removed_at IS NULL AND id > $2 AND ($4 IS NULL OR groups && $4)"
        " ORDER BY id LIMIT $3",
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
