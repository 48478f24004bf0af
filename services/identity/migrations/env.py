"""Alembic's way in."""

from chassis.migrations import run_env
from identity import repository as _rows  # noqa: F401 - fills the metadata
from identity.ledger import tables as _ledger_tables  # noqa: F401 - fills the metadata
from identity.schema import metadata

run_env(metadata, "identity")
