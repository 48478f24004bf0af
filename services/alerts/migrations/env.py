from alerts.alerts.tables import metadata as alerts
from alerts.watchlists.tables import metadata as watchlists
from chassis.migrations import run_env

run_env([alerts, watchlists], "alerts")
