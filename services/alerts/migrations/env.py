from alerts.alerts.tables import metadata as alerts
from alerts.maintenance.tables import metadata as maintenance
from alerts.watchlists.tables import metadata as watchlists
from chassis.migrations import run_env

run_env([alerts, maintenance, watchlists], "alerts")
