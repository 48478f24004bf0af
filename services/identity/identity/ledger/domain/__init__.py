"""Entries, anchors and findings: what they are and what holds for them."""
