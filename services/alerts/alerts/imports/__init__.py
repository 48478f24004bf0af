"""Imports and exports: many plates of a watchlist at once, as CSV."""
