"""Progress: whether files are written, and hold pictures that somebody can watch."""
