"""Browsers: whose notifications people switched on (Web Push)."""
