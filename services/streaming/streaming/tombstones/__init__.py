"""Tombstones: what is left of recordings, and of their off-site copies, that were deleted by policy."""
