"""Entries and anchors: what they are and what holds for them."""
