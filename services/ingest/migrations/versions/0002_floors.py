"""Detections are dropped once they are older than the shortest retention there is, whatever date the service's role asks for."""

from chassis.migrations import bound_partition_drops

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    bound_partition_drops("detections", "day", "(now() AT TIME ZONE 'UTC' - interval '1 day')::date")


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
