"""Owns the cameras of every tenant: their sealed addresses, settings and groups, and what was last seen of them."""

__version__ = "0.1.0"
