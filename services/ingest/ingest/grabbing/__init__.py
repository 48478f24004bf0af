"""Grabbing: frames from cameras, and ingest's copy of cameras and streams."""
