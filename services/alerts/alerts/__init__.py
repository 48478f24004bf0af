"""Alerts owns watchlists and alerts: it turns what was seen into something that reaches a person."""
