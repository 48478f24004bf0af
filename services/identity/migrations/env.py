"""Alembic's way in."""

from chassis.migrations import run_env
from identity.tables import metadata

run_env(metadata, "identity")
