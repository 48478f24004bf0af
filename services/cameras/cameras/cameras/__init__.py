"""Cameras: what should be of each, what was last seen of it, and how they are found."""
