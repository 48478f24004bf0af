"""Verbs: sealing the ledgers, and verifying them."""
