"""Nouns and rules: cameras, and the addresses that they may have."""
