"""Verbs of the ledger: adding entries, reading them, anchoring them, verifying them."""
