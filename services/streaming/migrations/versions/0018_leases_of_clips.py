"""Clips: the trusted time stands still after the clock was set, and says nothing of leases."""

from chassis.migrations import definer_function

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The release before this one goes on calling clips_to_tidy.
    definer_function(
        "ended_clips(expired timestamptz, forgotten timestamptz, at timestamptz)",
        "TABLE (tenant_id uuid, clip_id uuid)",
        "SELECT c.tenant_id, c.clip_id FROM clips c WHERE c.finished_at IS NOT NULL AND (c.finished_at < forgotten OR"
        " c.object_key IS NOT NULL AND CASE WHEN c.state = 'ready' THEN c.expires_at <= expired"
        " ELSE c.lease_until IS NULL OR c.lease_until < at END) ORDER BY c.finished_at LIMIT 100",
    )


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
