"""Keys of creations that may be sent again."""

from chassis.migrations import create_idempotency_keys

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    create_idempotency_keys()
