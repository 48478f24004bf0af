from alerts.alerts.tables import metadata as alerts
from alerts.conditions.tables import metadata as conditions
from alerts.imports.tables import metadata as imports
from alerts.maintenance.tables import metadata as maintenance
from alerts.rules.tables import metadata as rules
from alerts.watchlists.tables import metadata as watchlists
from chassis.migrations import run_env

run_env([alerts, conditions, imports, maintenance, rules, watchlists], "alerts")
