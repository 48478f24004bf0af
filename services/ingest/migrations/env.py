"""Alembic's way in."""

from chassis.migrations import run_env
from ingest.detections.tables import metadata as detections
from ingest.grabbing.tables import metadata as grabbing

run_env([detections, grabbing], "ingest")
