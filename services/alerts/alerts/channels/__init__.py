"""Channels: where a city is told of alerts, and how a message to each reads."""
