"""Alembic's way in."""

from chassis.migrations import run_env
from identity.ledger import tables as _ledger_tables  # noqa: F401 - fills the metadata
from identity.tables import metadata

run_env(metadata, "identity")
