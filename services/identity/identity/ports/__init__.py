"""What identity needs from the world, split by noun."""
