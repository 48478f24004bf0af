"""Retention: how long recordings are kept, and how much room they may take."""
