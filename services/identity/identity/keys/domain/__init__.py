"""Domain of keys."""
