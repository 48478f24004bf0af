"""Progress: whether the files that are being written hold pictures that somebody can watch."""
