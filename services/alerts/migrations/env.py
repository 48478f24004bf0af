from alerts.alerts.tables import metadata as alerts
from alerts.browsers.tables import metadata as browsers
from alerts.channels.tables import metadata as channels
from alerts.conditions.tables import metadata as conditions
from alerts.deliveries.tables import metadata as deliveries
from alerts.escalation.tables import metadata as escalation
from alerts.imports.tables import metadata as imports
from alerts.links.tables import metadata as links
from alerts.maintenance.tables import metadata as maintenance
from alerts.rules.tables import metadata as rules
from alerts.watchlists.tables import metadata as watchlists
from chassis.migrations import run_env

run_env([alerts, browsers, channels, conditions, deliveries, escalation, imports, links, maintenance, rules, watchlists], "alerts")
