"""The rest of the world: one vendor, one file."""
