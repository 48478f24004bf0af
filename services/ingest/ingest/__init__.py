"""Ingest: frames from cameras to the analysis, detections from the analysis to the store, and from the store to people.

Owns `detections` (daily partitions), its own copy of cameras and streams, the grabbers and the live WebSocket.
"""
