"""Retention: how long detections and their pictures are kept, and which are held."""
