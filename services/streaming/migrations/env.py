from chassis.migrations import run_env
from streaming.tables import SCHEMA, Row

run_env(Row.metadata, SCHEMA)
