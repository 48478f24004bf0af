"""Snapshots: single pictures of what was recorded, large for people and small for the timeline."""
