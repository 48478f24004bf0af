"""Alembic's way in."""

from cameras.announcing import tables as _leases  # noqa: F401 - fills the metadata
from cameras.cameras import tables as _cameras  # noqa: F401 - fills the metadata
from cameras.groups import tables as _groups  # noqa: F401 - fills the metadata
from cameras.history import tables as _history  # noqa: F401 - fills the metadata
from cameras.layouts import tables as _layouts  # noqa: F401 - fills the metadata
from cameras.schema import metadata
from chassis.migrations import run_env

run_env(metadata, "cameras")
