"""Domain of federation."""
