"""Reindex: the index of recordings is held against the disk, both ways, and brought to what the disk says."""
