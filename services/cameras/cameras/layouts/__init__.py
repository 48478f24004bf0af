"""Layouts of the video wall: which cameras a user shows together, and where."""
