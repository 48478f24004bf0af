from chassis.migrations import run_env
from streaming import app as _app  # noqa: F401 - knows every noun, whose tables fill the metadata
from streaming.schema import SCHEMA, Row

run_env(Row.metadata, SCHEMA)
