"""Alerts: what was seen that a person should know of, and who has acknowledged it."""
