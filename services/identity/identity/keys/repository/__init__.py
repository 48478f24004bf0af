"""Repository of keys."""
