from alerts.tables import SCHEMA, Row
from chassis.migrations import run_env

run_env(Row.metadata, SCHEMA)
