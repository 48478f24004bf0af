"""Alembic's way in."""

from chassis.migrations import run_env
from ingest.detections.tables import metadata as detections
from ingest.grabbing.tables import metadata as grabbing
from ingest.retention.tables import metadata as retention

run_env([detections, grabbing, retention], "ingest")
