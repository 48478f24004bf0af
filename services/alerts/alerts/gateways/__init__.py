"""The rest of the world out: one medium, one file."""
