"""Keys of creations are forgotten once nobody repeats them, whatever date the service's role asks for."""

from chassis.migrations import bound_idempotency_keys

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    bound_idempotency_keys()


def downgrade() -> None:
    raise NotImplementedError("expand, then contract: a release that is rolled back ignores what was added")
