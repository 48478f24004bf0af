"""Alembic's way in."""

from cameras.tables import metadata
from chassis.migrations import run_env

run_env(metadata, "cameras")
