"""Alembic's way in."""

from chassis.migrations import run_env
from ingest.tables import metadata

run_env(metadata, "ingest")
