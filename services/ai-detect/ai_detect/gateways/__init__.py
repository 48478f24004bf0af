"""The rest of the world, one vendor a file."""
