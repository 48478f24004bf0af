"""Rows of the schema `identity`, split by noun. Every module is named here, so that the metadata is whole."""

from identity.tables.accounts import account, api_key, login_name, outbox, refresh_token, session, signing_key, tenant
from identity.tables.schema import metadata

__all__ = ["account", "api_key", "login_name", "metadata", "outbox", "refresh_token", "session", "signing_key", "tenant"]
