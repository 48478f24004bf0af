"""Conditions: what lasts until it is over (a camera that is lost, a recording that stopped, a full disk), from events to alerts."""
