"""Owns tenants, users, API keys, sessions and the signing keys; the one issuer of tokens."""

__version__ = "0.1.0"
