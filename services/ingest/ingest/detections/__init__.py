"""Detections: what was seen is stored and found again."""
